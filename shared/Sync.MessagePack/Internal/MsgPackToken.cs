namespace Sync.MessagePack;

/// <summary>One scalar, or the header of one array or map.</summary>
internal struct MsgPackToken
{
    public MsgPackType Type;

    /// <summary>For integers: <see cref="Bits"/> is a negative two's complement number.</summary>
    public bool IsNegative;

    /// <summary>For extensions: the type number.</summary>
    public sbyte Extension;

    /// <summary>Offset of the first byte after the header.</summary>
    public int Start;

    /// <summary>Bytes of a string, binary or extension; elements of an array; pairs of a map.</summary>
    public int Length;

    /// <summary>The integer, the boolean (0, 1), or the bits of the float as a double.</summary>
    public ulong Bits;
}

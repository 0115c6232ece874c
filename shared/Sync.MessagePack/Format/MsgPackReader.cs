using System.Buffers.Binary;

namespace Sync.MessagePack;

/// <summary>Reads MessagePack from a span, strictly and without allocating. Every method answers false on bad input and keeps
/// the first error in <see cref="Error"/>; after an error nothing more can be read. Declared lengths are compared with the
/// bytes that are left before anything is made of them. Not thread-safe; a copy reads on its own.</summary>
public ref partial struct MsgPackReader
{
    /// <summary>Deepest nesting that <see cref="TrySkip"/> follows.</summary>
    public const int DepthMax = 64;

    /// <summary>Most elements, keys and values in total, unless the constructor is told another number.</summary>
    public const int ItemsMax = 4_000_000;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;
    private int _items;
    private MsgPackError _error;

    /// <summary>Starts at the first byte.</summary>
    /// <param name="bytes">What to read; never copied.</param>
    /// <param name="itemsMax">Budget of elements, keys and values over the life of the reader.</param>
    public MsgPackReader(ReadOnlySpan<byte> bytes, int itemsMax = ItemsMax)
    {
        _bytes = bytes;
        _items = itemsMax;
    }

    /// <summary>The first error; the default value when there is none.</summary>
    public readonly MsgPackError Error => _error;

    /// <summary>Offset of the next byte to read.</summary>
    public readonly int Offset => _at;

    /// <summary>True when all bytes were read.</summary>
    public readonly bool IsAtEnd => _at == _bytes.Length;

    /// <summary>Kind of the next value, by its first byte alone.</summary>
    public readonly MsgPackType NextType => _at < _bytes.Length ? TypeOf(_bytes[_at]) : MsgPackType.End;

    /// <summary>Everything that the reader was given.</summary>
    internal readonly ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Checks that nothing follows.</summary>
    public bool TryEnd() => _error.IsNone && (IsAtEnd || Fail("trailing bytes"));

    /// <summary>Records an error at the next byte, unless there is one already.</summary>
    /// <param name="what">What is wrong.</param>
    /// <returns>False.</returns>
    public bool Fail(string what) => FailAt(what, _at);

    internal bool FailAt(string what, int offset)
    {
        if (_error.IsNone) _error = new MsgPackError(what, offset);
        return false;
    }

    /// <summary>Reads a scalar with its payload, or the header of an array or map.</summary>
    internal bool TryReadToken(out MsgPackToken token)
    {
        token = default;
        if (!_error.IsNone) return false;
        if (_at >= _bytes.Length) return Fail("truncated: a value is missing");
        var first = _bytes[_at];
        switch (first)
        {
            case <= 0x7f: return Integer(ref token, first, 1);
            case <= 0x8f: return Container(ref token, MsgPackType.Map, first & 15, 1);
            case <= 0x9f: return Container(ref token, MsgPackType.Array, first & 15, 1);
            case <= 0xbf: return Payload(ref token, MsgPackType.String, (uint)first & 31, 1);
            case >= 0xe0: return Integer(ref token, (sbyte)first, 1);
        }
        // The forms with a fixed number of bytes behind the first one; what they mean comes after the check that they are there.
        var size = 1 + FollowingBytes[first - 0xc0];
        if (_bytes.Length - _at < size) return Fail("truncated: a header is cut");
        var rest = _bytes.Slice(_at + 1, size - 1);
        switch (first)
        {
            case 0xc0: return Scalar(ref token, MsgPackType.Nil, 0, size);
            case 0xc2: return Scalar(ref token, MsgPackType.Boolean, 0, size);
            case 0xc3: return Scalar(ref token, MsgPackType.Boolean, 1, size);
            case 0xc4: return Payload(ref token, MsgPackType.Binary, rest[0], size);
            case 0xc5: return Payload(ref token, MsgPackType.Binary, BinaryPrimitives.ReadUInt16BigEndian(rest), size);
            case 0xc6: return Payload(ref token, MsgPackType.Binary, BinaryPrimitives.ReadUInt32BigEndian(rest), size);
            case 0xc7: return Extension(ref token, rest[0], rest[1], size);
            case 0xc8: return Extension(ref token, BinaryPrimitives.ReadUInt16BigEndian(rest), rest[2], size);
            case 0xc9: return Extension(ref token, BinaryPrimitives.ReadUInt32BigEndian(rest), rest[4], size);
            case 0xca: return Float(ref token, BinaryPrimitives.ReadSingleBigEndian(rest), size);
            case 0xcb: return Float(ref token, BinaryPrimitives.ReadDoubleBigEndian(rest), size);
            case 0xcc: return Integer(ref token, rest[0], size);
            case 0xcd: return Integer(ref token, BinaryPrimitives.ReadUInt16BigEndian(rest), size);
            case 0xce: return Integer(ref token, BinaryPrimitives.ReadUInt32BigEndian(rest), size);
            case 0xcf: return Scalar(ref token, MsgPackType.Integer, BinaryPrimitives.ReadUInt64BigEndian(rest), size);
            case 0xd0: return Integer(ref token, (sbyte)rest[0], size);
            case 0xd1: return Integer(ref token, BinaryPrimitives.ReadInt16BigEndian(rest), size);
            case 0xd2: return Integer(ref token, BinaryPrimitives.ReadInt32BigEndian(rest), size);
            case 0xd3: return Integer(ref token, BinaryPrimitives.ReadInt64BigEndian(rest), size);
            case >= 0xd4 and <= 0xd8: return Extension(ref token, 1u << (first - 0xd4), rest[0], size);
            case 0xd9: return Payload(ref token, MsgPackType.String, rest[0], size);
            case 0xda: return Payload(ref token, MsgPackType.String, BinaryPrimitives.ReadUInt16BigEndian(rest), size);
            case 0xdb: return Payload(ref token, MsgPackType.String, BinaryPrimitives.ReadUInt32BigEndian(rest), size);
            case 0xdc: return Container(ref token, MsgPackType.Array, BinaryPrimitives.ReadUInt16BigEndian(rest), size);
            case 0xdd: return Container(ref token, MsgPackType.Array, BinaryPrimitives.ReadUInt32BigEndian(rest), size);
            case 0xde: return Container(ref token, MsgPackType.Map, BinaryPrimitives.ReadUInt16BigEndian(rest), size);
            case 0xdf: return Container(ref token, MsgPackType.Map, BinaryPrimitives.ReadUInt32BigEndian(rest), size);
            default: return Fail("invalid type byte 0xc1");
        }
    }

    // For 0xc0 to 0xdf: how many bytes of the header follow the first.
    private static ReadOnlySpan<byte> FollowingBytes =>
    [
        0, 0, 0, 0, 1, 2, 4, 2, 3, 5, 4, 8, 1, 2, 4, 8,
        1, 2, 4, 8, 1, 1, 1, 1, 1, 1, 2, 4, 2, 4, 2, 4,
    ];

    private bool Scalar(ref MsgPackToken token, MsgPackType type, ulong bits, int size)
    {
        token.Type = type;
        token.Bits = bits;
        _at += size;
        token.Start = _at;
        return true;
    }

    private bool Integer(ref MsgPackToken token, long value, int size)
    {
        token.IsNegative = value < 0;
        return Scalar(ref token, MsgPackType.Integer, (ulong)value, size);
    }

    private bool Float(ref MsgPackToken token, double value, int size) =>
        Scalar(ref token, MsgPackType.Float, BitConverter.DoubleToUInt64Bits(value), size);

    private bool Payload(ref MsgPackToken token, MsgPackType type, uint length, int size)
    {
        if (length > (uint)(_bytes.Length - _at - size)) return Fail("truncated: a length goes past the end");
        token.Type = type;
        token.Start = _at + size;
        token.Length = (int)length;
        _at = token.Start + token.Length;
        return true;
    }

    private bool Extension(ref MsgPackToken token, uint length, byte type, int size)
    {
        token.Extension = (sbyte)type;
        return Payload(ref token, MsgPackType.Extension, length, size);
    }

    private bool Container(ref MsgPackToken token, MsgPackType type, long count, int size)
    {
        // An element takes at least one byte: a count above what is left is a lie, found before anyone makes room for it.
        var items = type == MsgPackType.Map ? count * 2 : count;
        if (items > _bytes.Length - _at - size) return Fail("truncated: a count goes past the end");
        if (items > _items) return Fail("too many items");
        _items -= (int)items;
        token.Type = type;
        token.Length = (int)count;
        _at += size;
        token.Start = _at;
        return true;
    }

    private static MsgPackType TypeOf(byte first) => first switch
    {
        <= 0x7f or >= 0xe0 or >= 0xcc and <= 0xd3 => MsgPackType.Integer,
        <= 0x8f or 0xde or 0xdf => MsgPackType.Map,
        <= 0x9f or 0xdc or 0xdd => MsgPackType.Array,
        <= 0xbf or >= 0xd9 and <= 0xdb => MsgPackType.String,
        0xc0 => MsgPackType.Nil,
        0xc1 => MsgPackType.Invalid,
        0xc2 or 0xc3 => MsgPackType.Boolean,
        >= 0xc4 and <= 0xc6 => MsgPackType.Binary,
        0xca or 0xcb => MsgPackType.Float,
        _ => MsgPackType.Extension,
    };
}

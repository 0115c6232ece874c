using System.Buffers.Binary;

namespace Sync.MessagePack;

/// <summary>A map key where it stands in the bytes, with enough of it at hand to tell most keys apart.</summary>
/// <param name="Kind">Type of the key, with what else makes two equal contents differ.</param>
/// <param name="Prefix">The first eight bytes of the content (padded with zeros), or the whole of a number.</param>
/// <param name="Offset">Where the content starts.</param>
/// <param name="Length">Bytes of content; 0 for numbers, nil and booleans.</param>
internal readonly record struct MapKey(int Kind, ulong Prefix, int Offset, int Length)
{
    public static MapKey Of(in MsgPackToken token, ReadOnlySpan<byte> bytes)
    {
        var kind = (int)token.Type | (byte)token.Extension << 8 | (token.IsNegative ? 1 << 16 : 0);
        return token.Type is MsgPackType.String or MsgPackType.Binary or MsgPackType.Extension
            ? new(kind, PrefixOf(bytes.Slice(token.Start, token.Length)), token.Start, token.Length)
            : new(kind, token.Bits, token.Start, 0);
    }

    public static MapKey OfString(ReadOnlySpan<byte> bytes, int offset, int length) =>
        new((int)MsgPackType.String, PrefixOf(bytes.Slice(offset, length)), offset, length);

    public static bool Same(in MapKey left, in MapKey right, ReadOnlySpan<byte> bytes) =>
        left.Prefix == right.Prefix && left.Length == right.Length && left.Kind == right.Kind
        && (left.Length <= 8 || left.Content(bytes).SequenceEqual(right.Content(bytes)));

    /// <summary>Any total order in which equal keys are neighbours.</summary>
    public static int Compare(in MapKey left, in MapKey right, ReadOnlySpan<byte> bytes)
    {
        if (left.Prefix != right.Prefix) return left.Prefix < right.Prefix ? -1 : 1;
        if (left.Length != right.Length) return left.Length < right.Length ? -1 : 1;
        if (left.Kind != right.Kind) return left.Kind < right.Kind ? -1 : 1;
        return left.Length <= 8 ? 0 : left.Content(bytes).SequenceCompareTo(right.Content(bytes));
    }

    public ReadOnlySpan<byte> Content(ReadOnlySpan<byte> bytes) => bytes.Slice(Offset, Length);

    private static ulong PrefixOf(ReadOnlySpan<byte> content)
    {
        if (content.Length >= 8) return BinaryPrimitives.ReadUInt64BigEndian(content);
        ulong prefix = 0;
        for (var index = 0; index < content.Length; index++) prefix |= (ulong)content[index] << (56 - 8 * index);
        return prefix;
    }
}

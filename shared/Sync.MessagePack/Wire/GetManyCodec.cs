using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>One key of a group's refetch, whose items are of several vaults.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Item">The rest.</param>
public readonly record struct GroupRefetchItem(string Vault, RefetchItem Item);

/// <summary>The request of <c>sync.getmany.&lt;vault&gt;</c> and its form for a group (docs/PROTOCOL.md, Requests and replies).</summary>
public static class GetManyCodec
{
    private const int PartCount = 3;

    /// <summary>Writes <c>[[collection, key, have_sequence]…]</c>.</summary>
    /// <exception cref="ArgumentException">More than <see cref="IEnvelopeSource.ItemsMax"/> items.</exception>
    public static void Encode(IReadOnlyList<RefetchItem> items, IBufferWriter<byte> destination)
    {
        var writer = Begin(items.Count, destination);
        foreach (var item in items)
        {
            writer.WriteArrayHeader(PartCount);
            Write(ref writer, item);
        }
        writer.Flush();
    }

    /// <summary>Writes <c>[[vault, collection, key, have_sequence]…]</c>.</summary>
    /// <exception cref="ArgumentException">More than <see cref="IEnvelopeSource.ItemsMax"/> items.</exception>
    public static void EncodeGroup(IReadOnlyList<GroupRefetchItem> items, IBufferWriter<byte> destination)
    {
        var writer = Begin(items.Count, destination);
        foreach (var item in items)
        {
            writer.WriteArrayHeader(PartCount + 1);
            writer.WriteString(item.Vault);
            Write(ref writer, item.Item);
        }
        writer.Flush();
    }

    /// <summary>Reads the items of one vault. Never throws for bad input.</summary>
    public static ParseResult<IReadOnlyList<RefetchItem>> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        if (!TryReadCount(ref reader, out var count)) return Err<RefetchItem>(reader);
        var items = new RefetchItem[count];
        for (var index = 0; index < count; index++)
            if (!TryReadParts(ref reader, PartCount) || !TryRead(ref reader, out items[index])) return Err<RefetchItem>(reader);
        return reader.TryEnd() ? ParseResult<IReadOnlyList<RefetchItem>>.Ok(items) : Err<RefetchItem>(reader);
    }

    /// <summary>Reads the items of a group. Never throws for bad input.</summary>
    public static ParseResult<IReadOnlyList<GroupRefetchItem>> DecodeGroup(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        if (!TryReadCount(ref reader, out var count)) return Err<GroupRefetchItem>(reader);
        var items = new GroupRefetchItem[count];
        for (var index = 0; index < count; index++)
        {
            if (!TryReadParts(ref reader, PartCount + 1) || !reader.TryReadString(out var vault)
                || !TryRead(ref reader, out var item)) return Err<GroupRefetchItem>(reader);
            items[index] = new(vault, item);
        }
        return reader.TryEnd() ? ParseResult<IReadOnlyList<GroupRefetchItem>>.Ok(items) : Err<GroupRefetchItem>(reader);
    }

    private static MsgPackWriter Begin(int count, IBufferWriter<byte> destination)
    {
        if (count > IEnvelopeSource.ItemsMax)
            throw new ArgumentException($"{count} items; at most {IEnvelopeSource.ItemsMax} are allowed", nameof(count));
        var writer = new MsgPackWriter(destination);
        writer.WriteArrayHeader(count);
        return writer;
    }

    private static void Write(ref MsgPackWriter writer, RefetchItem item)
    {
        writer.WriteString(item.Collection);
        writer.WriteString(item.Key);
        writer.WriteInteger(item.Have.Value);
    }

    private static bool TryReadCount(ref MsgPackReader reader, out int count) => reader.TryReadArrayHeader(out count)
        && (count <= IEnvelopeSource.ItemsMax || reader.FailAt($"more than {IEnvelopeSource.ItemsMax} items", 0));

    private static bool TryReadParts(ref MsgPackReader reader, int parts)
    {
        var start = reader.Offset;
        return reader.TryReadArrayHeader(out var count)
            && (count == parts || reader.FailAt($"an item has {count} parts, not {parts}", start));
    }

    private static bool TryRead(ref MsgPackReader reader, out RefetchItem item)
    {
        item = default;
        if (!reader.TryReadString(out var collection) || !reader.TryReadString(out var key)
            || !reader.TryReadInt64(Sequence.Unknown.Value, long.MaxValue, out var have)) return false;
        item = new RefetchItem(collection, key, new(have));
        return true;
    }

    private static ParseResult<IReadOnlyList<T>> Err<T>(MsgPackReader reader) =>
        ParseResult<IReadOnlyList<T>>.Err($"getmany request: {reader.Error}");
}

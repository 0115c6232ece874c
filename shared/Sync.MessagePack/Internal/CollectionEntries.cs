using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The collections of a page of a snapshot, while the page is being written: which of them its range touches so far, and
/// what they will take. Entries and records come in the same order. For one thread.</summary>
internal sealed class CollectionEntries(IReadOnlyList<CollectionEntry> all)
{
    /// <summary>Most entries of one page.</summary>
    public const int CountMax = SnapshotRequest.LimitMax;

    private const int PartCount = 3;

    /// <summary>Bytes of an entry beside its names, rounded up.</summary>
    private const int OverheadBytes = 16;

    /// <summary>Room for entries beside a record as large as records can be.</summary>
    private const int BytesMin = 2 * 1024;

    private int _kept, _reached, _reachedBytes;
    private string? _vault, _collection;

    /// <summary>Goes to a record, in order.</summary>
    /// <returns>Bytes of all entries up to its collection.</returns>
    public int Reach(SyncedKey key)
    {
        if (key.Vault == _vault && key.Collection == _collection) return _reachedBytes;
        (_vault, _collection) = (key.Vault, key.Collection);
        for (; _reached < all.Count && IsUpTo(all[_reached], key); _reached++)
            _reachedBytes += SizeOf(all[_reached]);
        return _reachedBytes;
    }

    /// <summary>The record that was reached is in the page.</summary>
    public void Keep() => _kept = _reached;

    /// <summary>Writes the entries of the page's range, as many as fit.</summary>
    /// <param name="page">At the value of the field.</param>
    /// <param name="isCut">True: the range ends with the last record that was kept. False: all entries are in it.</param>
    /// <param name="bytesMax">For the whole message.</param>
    public void Write(PooledBytes page, bool isCut, int bytesMax)
    {
        var head = page.Count;
        PageWriter.BeginArray(page);
        var last = Math.Min(isCut ? _kept : all.Count, CountMax);
        var end = Math.Max(bytesMax, page.Count + BytesMin);
        var written = 0;
        for (; written < last && page.Count + SizeOf(all[written]) <= end; written++)
        {
            var writer = new MsgPackWriter(page);
            writer.WriteArrayHeader(PartCount);
            writer.WriteString(all[written].Vault);
            writer.WriteString(all[written].Collection);
            writer.WriteInteger(all[written].LastPosition.Value);
            writer.Flush();
        }
        PageWriter.EndArray(page, head, written);
    }

    public static bool TryRead(ref MsgPackReader reader, out CollectionEntry[] entries)
    {
        entries = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > CountMax) return reader.FailAt($"more than {CountMax} collections", start);
        var read = new CollectionEntry[count];
        for (var index = 0; index < count; index++)
        {
            if (!PageReader.TryReadParts(ref reader, PartCount) || !PageReader.TryReadName(ref reader, out var vault)
                || !PageReader.TryReadName(ref reader, out var collection)
                || !reader.TryReadInt64(0, long.MaxValue, out var last)) return false;
            read[index] = new CollectionEntry(vault, collection, new(last));
        }
        entries = read;
        return true;
    }

    // Names are ASCII: their order as text is that of their bytes.
    private static bool IsUpTo(CollectionEntry entry, SyncedKey key)
    {
        var order = string.CompareOrdinal(entry.Vault, key.Vault);
        return order < 0 || (order == 0 && string.CompareOrdinal(entry.Collection, key.Collection) <= 0);
    }

    private static int SizeOf(CollectionEntry entry) => OverheadBytes + entry.Vault.Length + entry.Collection.Length;
}

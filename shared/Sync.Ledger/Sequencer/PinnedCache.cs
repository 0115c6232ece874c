namespace Sync.Ledger;

/// <summary>A bounded cache whose entries cannot leave while somebody holds them. Above its bound the least recently
/// released entry leaves first; it exceeds the bound only by what is pinned, and that is bounded by the
/// queue.</summary>
/// <param name="max">Most entries that nobody holds.</param>
/// <param name="make">Makes an entry that knows nothing.</param>
/// <param name="left">Told of each entry that left for want of room; null = nobody is.</param>
internal sealed class PinnedCache<TKey, TEntry>(int max, Func<TKey, TEntry> make, Action<TEntry>? left = null)
    where TKey : notnull
    where TEntry : CacheEntry<TKey, TEntry>
{
    private readonly Dictionary<TKey, TEntry> _entries = [];
    private TEntry? _oldest;
    private TEntry? _newest;

    public int Count => _entries.Count;

    /// <summary>The entry of a key, made when absent; held until released.</summary>
    public TEntry Pin(TKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            entry = make(key);
            _entries.Add(key, entry);
            entry.Pins = 1;
            Trim();
            return entry;
        }
        if (entry.Pins++ == 0) Unlink(entry);
        return entry;
    }

    /// <summary>Lets go once. An entry that knows nothing leaves at once.</summary>
    public void Release(TEntry entry)
    {
        if (--entry.Pins > 0) return;
        if (entry.Knowledge == Knowledge.Missing)
        {
            _entries.Remove(entry.Key);
            return;
        }
        entry.Older = _newest;
        if (_newest is null) _oldest = entry;
        else _newest.Newer = entry;
        _newest = entry;
        Trim();
    }

    /// <summary>Forgets everything, pinned or not: holders must pin anew.</summary>
    public void Clear()
    {
        _entries.Clear();
        _oldest = _newest = null;
    }

    private void Trim()
    {
        while (_entries.Count > max && _oldest is { } oldest)
        {
            Unlink(oldest);
            _entries.Remove(oldest.Key);
            left?.Invoke(oldest);
        }
    }

    /// <summary>The entry of a key when there is one; it is not held.</summary>
    public TEntry? Find(TKey key) => _entries.GetValueOrDefault(key);

    private void Unlink(TEntry entry)
    {
        if (entry.Older is null) _oldest = entry.Newer;
        else entry.Older.Newer = entry.Newer;
        if (entry.Newer is null) _newest = entry.Older;
        else entry.Newer.Older = entry.Older;
        entry.Older = entry.Newer = null;
    }
}

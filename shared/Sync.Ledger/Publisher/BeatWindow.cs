using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>What changed since the last beat. Bounded: the publisher beats when <see cref="IsFull"/>, before it hands
/// over another envelope, and one envelope adds at most one key and one collection.</summary>
internal sealed class BeatWindow
{
    // Keys whose checksums are equal share an entry with the larger position: readers check one key too many, never
    // one too few.
    private readonly Dictionary<uint, long> _keys = [];
    private readonly Dictionary<CollectionName, Position> _collections = [];

    public bool IsFull => _keys.Count >= Beat.KeysMax || _collections.Count >= Beat.CollectionsMax;

    public bool IsEmpty => _keys.Count == 0;

    public void Add(Fact fact)
    {
        _keys[Crc32.Of(fact.Key)] = fact.Position.Value;
        _collections[new(fact.Key.Vault, fact.Key.Collection)] = fact.Position;
    }

    public void Clear()
    {
        _keys.Clear();
        _collections.Clear();
    }

    public BeatKey[] Keys(Position prev)
    {
        var keys = new BeatKey[_keys.Count];
        var index = 0;
        foreach (var (crc, position) in _keys) keys[index++] = new(crc, checked((uint)(position - prev.Value)));
        Array.Sort(keys, static (left, right) =>
            left.Crc != right.Crc ? left.Crc.CompareTo(right.Crc) : left.Offset.CompareTo(right.Offset));
        return keys;
    }

    public BeatCollection[] Collections()
    {
        var collections = new BeatCollection[_collections.Count];
        var index = 0;
        foreach (var (name, last) in _collections) collections[index++] = new(name.Vault, name.Collection, last);
        Array.Sort(collections, static (left, right) => left.Last.CompareTo(right.Last));
        return collections;
    }
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>A collection of a vault within a scope.</summary>
internal sealed class CollectionPart<T>(string vault, string collection, FeedId feed)
{
    public string Vault => vault;

    public string Collection => collection;

    /// <summary>Where its changes are; another only after a reset.</summary>
    public FeedId Feed { get; set; } = feed;

    /// <summary>True after a reset until something of the new history names it.</summary>
    public bool IsOld { get; set; }

    public RecordTable<T> Records { get; } = new();

    /// <summary>Deletes at positions above covered, by key; null = none.</summary>
    public Dictionary<string, Tombstone>? Tombstones { get; private set; }

    /// <summary>Keys whose newest value was refused; null = none.</summary>
    public Dictionary<string, RefusedValue>? Refusals { get; private set; }

    /// <summary>Position of the last change that arrived.</summary>
    public long Last { get; set; }

    /// <summary>What arrived of this collection, link by link.</summary>
    public AfterChain Chain; // a field: it is changed in place

    public SyncedKey KeyOf(string key) => new(vault, collection, key);

    public void Keep(string key, Tombstone tombstone) => (Tombstones ??= new(StringComparer.Ordinal))[key] = tombstone;

    public void Keep(string key, RefusedValue refusal) => (Refusals ??= new(StringComparer.Ordinal))[key] = refusal;

    public bool TryRefusal(string key, out RefusedValue refusal)
    {
        refusal = default;
        return Refusals is not null && Refusals.TryGetValue(key, out refusal);
    }

    public void ForgetTombstone(string key)
    {
        if (Tombstones is not null && Tombstones.Remove(key) && Tombstones.Count == 0) Tombstones = null;
    }

    public void ForgetRefusal(string key)
    {
        if (Refusals is not null && Refusals.Remove(key) && Refusals.Count == 0) Refusals = null;
    }

    public void Forget()
    {
        (Tombstones, Refusals) = (null, null);
        (Last, Chain, IsOld) = (0, default, true);
    }
}

internal readonly record struct Tombstone(long Sequence, long Position);

/// <summary>A refused value. Its reason is kept only while it is among those that are listed.</summary>
internal readonly record struct RefusedValue(long Sequence, long Position, string? Reason, int Round);

/// <summary>Follows the <c>after</c> chain of one collection: the end of its unbroken part, and the newest run behind a
/// hole.</summary>
internal struct AfterChain
{
    private long _end;
    private long _runFrom, _runTo;

    /// <summary>Every change up to here has arrived, given that all up to <paramref name="heard"/> are known.</summary>
    public long EndAt(long heard)
    {
        if (heard > _end) _end = heard;
        if (_runTo > 0 && _runFrom <= _end)
        {
            if (_runTo > _end) _end = _runTo;
            _runTo = 0;
        }
        return _end;
    }

    /// <summary>A change arrived.</summary>
    /// <returns>0, or the position up to which changes must be known before this one joins.</returns>
    public long Arrived(long after, long position, long heard)
    {
        var end = EndAt(heard);
        if (position <= end) return 0;
        if (after <= end)
        {
            _end = position;
            EndAt(heard);
            return 0;
        }
        if (_runTo > 0 && after <= _runTo && position >= _runFrom)
        {
            if (position > _runTo) _runTo = position;
            if (after < _runFrom) _runFrom = after;
            return 0;
        }
        if (_runTo > 0 && position < _runFrom) return 0;
        (_runFrom, _runTo) = (after, position);
        return after;
    }
}

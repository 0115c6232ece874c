using Sync.Contracts;

namespace Sync.Replication;

/// <summary>One feed of a scope: how far its changes are known, and what is being done about the rest.</summary>
internal sealed class CollectionFeed<T>(FeedId? id)
{
    private readonly List<SettledRange> _ranges = [];
    private readonly Queue<(long Position, CollectionPart<T> Part, string Key)> _tombstones = new();

    /// <summary>Null until the first page names it.</summary>
    public FeedId? Id { get; set; } = id;

    /// <summary>All changes up to here are in what is held; waits while a snapshot is loaded.</summary>
    public long Covered { get; private set; }

    /// <summary>Covered when nothing was being loaded last: while a snapshot is loaded again, what is held is no
    /// fresher.</summary>
    public long Fresh { get; private set; }

    /// <summary>When that was learned.</summary>
    public TimeSpan FreshAt { get; private set; }

    /// <summary>All changes up to here have arrived: covered, once the load is complete.</summary>
    public long Heard { get; set; }

    /// <summary>When it was last known that nothing is behind heard.</summary>
    public TimeSpan HeardAt { get; set; }

    /// <summary>A gap is open while this is above heard: something there was missed.</summary>
    public long Wanted { get; set; }

    /// <summary>A check is due from then on; null = none.</summary>
    public TimeSpan? CheckAt { get; set; }

    /// <summary>True while the changes of a check are read.</summary>
    public bool IsChecking { get; set; }

    /// <summary>True after a reset: what is held is of the old history until this load is complete.</summary>
    public bool IsReset { get; init; }

    /// <summary>A planted fault: whatever comes next is taken for unbroken.</summary>
    public bool JoinsBlindly { get; set; }

    /// <summary>Number of the load; the first is 1.</summary>
    public int Round { get; set; } = 1;

    /// <summary>True until the last page of a load was taken.</summary>
    public bool IsLoading { get; set; } = true;

    /// <summary>True once the first page of the load was taken.</summary>
    public bool HasPage { get; set; }

    /// <summary>True once a first page of this history was taken.</summary>
    public bool HasEverPaged { get; set; }

    /// <summary>True once a load of this history was complete.</summary>
    public bool WasLoaded { get; set; }

    /// <summary>The next page begins behind this record.</summary>
    public SyncedKey? LoadAfter { get; set; }

    /// <summary>Where the highest page of this history stood.</summary>
    public long PagedTo { get; set; }

    /// <summary>The outstanding request; 0 = none.</summary>
    public long Request { get; set; }

    /// <summary>The requests for the pages behind the outstanding one, in order.</summary>
    public List<PageAhead> Aheads { get; } = [];

    /// <summary>Pages of this load that were read ahead in vain.</summary>
    public int PagesInVain { get; set; }

    /// <summary>Most records of the pages that are asked for; 0 = as many as the rules allow.</summary>
    public int PageLimit { get; set; }

    /// <summary>Value bytes of the last page that bytes cut.</summary>
    public long PageBytes { get; set; }

    /// <summary>Failures in a row.</summary>
    public int Failures { get; set; }

    /// <summary>The next request may go from then on; null = none will.</summary>
    public TimeSpan? RetryAt { get; set; } = TimeSpan.Zero;

    /// <summary>Beats that wait for what they name.</summary>
    public BeatRun Beats { get; } = new();

    /// <summary>Keys of this feed in the skew list.</summary>
    public int Refused { get; set; }

    /// <summary>Tombstones kept.</summary>
    public int Tombstones => _tombstones.Count;

    public bool IsGapOpen => Wanted > Heard;

    public bool IsSettling => _ranges.Count > 0;

    /// <summary>Covered moves on: what only guarded against older records is forgotten.</summary>
    public void Cover(long position)
    {
        if (position > Covered) Covered = position;
        while (_tombstones.TryPeek(out var kept) && kept.Position <= Covered)
        {
            _tombstones.Dequeue();
            if (kept.Part.Tombstones is { } tombstones && tombstones.TryGetValue(kept.Key, out var tombstone)
                && tombstone.Position <= Covered) kept.Part.ForgetTombstone(kept.Key);
        }
        if (IsLoading) return;
        (Fresh, FreshAt) = (Covered, HeardAt);
        if (Covered >= PagedTo) _ranges.Clear();
    }

    public void Keep(CollectionPart<T> part, string key, Tombstone tombstone)
    {
        part.Keep(key, tombstone);
        _tombstones.Enqueue((tombstone.Position, part, key));
    }

    /// <summary>A page was taken: its range begins behind the one before.</summary>
    public void Settle(SyncedKey? end, long position) => _ranges.Add(new(end, position));

    /// <summary>Pages of the load that were taken.</summary>
    public int PagesTaken => _ranges.Count;

    public void ForgetRanges() => _ranges.Clear();

    /// <summary>Where the page stood that holds the key; 0 = no page does.</summary>
    public long SettledTo(SyncedKey key)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            var end = _ranges[middle].End;
            if (end is { } last && Utf8Order.Instance.Compare(last, key) < 0) low = middle + 1;
            else high = middle;
        }
        return low < _ranges.Count ? _ranges[low].Position : 0;
    }

    private readonly record struct SettledRange(SyncedKey? End, long Position);
}

/// <summary>A page that was asked for before the one in front of it was applied.</summary>
internal sealed class PageAhead(long id, SnapshotRequest asked)
{
    public long Id => id;

    public SnapshotRequest Asked => asked;

    /// <summary>The answer, when it came too early.</summary>
    public SnapshotPage? Page { get; set; }
}

/// <summary>The newest unbroken run of beats that could not be joined yet, and the collections that it names above
/// what has arrived.</summary>
internal sealed class BeatRun
{
    private readonly Dictionary<(string Vault, string Collection), (long Last, TimeSpan Due)> _awaited = [];

    /// <summary>It says all about the positions behind this.</summary>
    public long From { get; set; }

    /// <summary>Up to this; 0 = there is none.</summary>
    public long To { get; set; }

    public TimeSpan HeardAt { get; set; }

    public int Awaited => _awaited.Count;

    /// <summary>When the grace of the first awaited one ends; null = nothing is in grace.</summary>
    public TimeSpan? Due { get; private set; }

    public void Await(string vault, string collection, long last, TimeSpan due)
    {
        var isKnown = _awaited.TryGetValue((vault, collection), out var known);
        if (isKnown && (known.Due < TimeSpan.MaxValue || last <= known.Last)) due = known.Due;
        else if (due < (Due ?? TimeSpan.MaxValue)) Due = due;
        _awaited[(vault, collection)] = (Math.Max(last, known.Last), due);
    }

    /// <summary>Lets go of what has arrived meanwhile.</summary>
    public void Arrived(Func<string, string, long> heardTo)
    {
        foreach (var (name, awaited) in _awaited)
            if (heardTo(name.Vault, name.Collection) >= awaited.Last) _awaited.Remove(name);
        if (_awaited.Count == 0) Due = null;
    }

    /// <summary>Grace that has ended: the highest position that is missing; 0 = none. What stays awaited is not in
    /// grace any more.</summary>
    public long Overdue(TimeSpan now)
    {
        var missing = 0L;
        Due = null;
        foreach (var (name, awaited) in _awaited)
        {
            if (awaited.Due <= now)
            {
                missing = Math.Max(missing, awaited.Last);
                _awaited[name] = awaited with { Due = TimeSpan.MaxValue };
            }
            else if (awaited.Due < (Due ?? TimeSpan.MaxValue)) Due = awaited.Due;
        }
        return missing;
    }

    public void Clear()
    {
        _awaited.Clear();
        (From, To, Due) = (0, 0, null);
    }
}

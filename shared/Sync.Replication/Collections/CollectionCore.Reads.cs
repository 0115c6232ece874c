using System.Diagnostics.CodeAnalysis;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What is held, and how it stands.</summary>
public sealed partial class CollectionCore<T>
{
    /// <summary>Envelopes that wait for a feed's first page; at most <see cref="CollectionRules.BufferMax"/>.</summary>
    public int Buffered => _buffer.Count;

    /// <summary>Requests that have no answer yet; at most <see cref="CollectionRules.RequestsMax"/>.</summary>
    public int RequestsUnderWay => _outstanding.Count;

    /// <summary>Records held.</summary>
    public long Count => _count;

    /// <summary>Keys whose newest value was refused: exact.</summary>
    public int RefusedCount => _refused;

    /// <summary>Tombstones kept because covered has not passed them.</summary>
    public int TombstoneCount
    {
        get
        {
            var count = 0;
            foreach (var feed in _feeds) count += feed.Tombstones;
            return count;
        }
    }

    /// <summary>True when nothing is loaded, missed, checked, refused or in doubt.</summary>
    public bool IsCurrent => Status == CollectionStatus.Ok && _feeds.TrueForAll(IsCurrentFeed);

    /// <summary>The feeds of the scope: one, or all of the ledger for a group.</summary>
    public IEnumerable<CollectionFeedStatus> FeedStatuses
    {
        get
        {
            foreach (var feed in _feeds) yield return new(feed.Id, StatusOf(feed), FreshnessOf(feed));
        }
    }

    /// <summary>How fresh the records of one feed are: a receipt at or below the position is in what is held.</summary>
    public FeedFreshness FreshnessOf(FeedId feed) =>
        TryFeed(feed, out var found) ? FreshnessOf(found) : FeedFreshness.Unknown;

    /// <summary>The collections that have records, tombstones or refused keys here, in no order.</summary>
    public IEnumerable<(string Vault, string Collection, int Count)> Collections
    {
        get
        {
            foreach (var part in _parts.Values) yield return (part.Vault, part.Collection, part.Records.Count);
        }
    }

    /// <summary>A record that is held.</summary>
    public bool TryGet(SyncedKey key, out CollectionRecord<T> record)
    {
        record = default;
        if (!_parts.TryGetValue((key.Vault, key.Collection), out var part)) return false;
        var slot = part.Records.Find(key.Key);
        if (slot >= 0) record = RecordAt(part, slot);
        return slot >= 0;
    }

    /// <summary>The value of a record that is held.</summary>
    public bool TryGetValue(SyncedKey key, [MaybeNullWhen(false)] out T value)
    {
        value = default;
        if (!_parts.TryGetValue((key.Vault, key.Collection), out var part)) return false;
        var slot = part.Records.Find(key.Key);
        if (slot >= 0) value = part.Records[slot].Value;
        return slot >= 0;
    }

    /// <summary>Records of a collection in the order of their keys' UTF-8 bytes.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="after">Behind this key; null = from the first.</param>
    /// <param name="limit">Most records.</param>
    /// <param name="records">Receives them.</param>
    /// <returns>True when there are more behind the last one.</returns>
    public bool List(string vault, string collection, string? after, int limit, List<CollectionRecord<T>> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        if (!_parts.TryGetValue((vault, collection), out var part)) return false;
        var order = part.Records.Ordered();
        var from = after is null ? 0 : Behind(part, order, after);
        var count = Math.Min(limit, order.Length - from);
        for (var index = from; index < from + count; index++) records.Add(RecordAt(part, order[index]));
        return from + count < order.Length;
    }

    /// <summary>All records of the scope, in no order.</summary>
    public IEnumerable<CollectionRecord<T>> Records()
    {
        foreach (var part in _parts.Values)
        {
            for (var slot = 0; slot < part.Records.Slots; slot++)
                if (part.Records[slot].Key is not null) yield return RecordAt(part, slot);
        }
    }

    /// <summary>The digest of a collection as it is held, at the position of the last change that arrived or that a
    /// page told of. It is to be compared while the feed is current as of that position. Records of an old history are
    /// left out.</summary>
    public CollectionDigest Digest(string vault, string collection)
    {
        using var digester = new CollectionDigester();
        if (!_parts.TryGetValue((vault, collection), out var part)) return digester.Finish(Position.Start);
        foreach (var slot in part.Records.Ordered())
        {
            ref var entry = ref part.Records[slot];
            if (entry.Position > 0) digester.Add(entry.Key!, new(entry.Sequence), entry.Hash);
        }
        return digester.Finish(new(part.Last));
    }

    /// <summary>The skew list: as many refused keys as <see cref="CollectionRules.SkewsListedMax"/> allows.</summary>
    public IEnumerable<RefusedRecord> Refused()
    {
        foreach (var part in _parts.Values)
        {
            if (part.Refusals is not { } refusals) continue;
            foreach (var (key, refusal) in refusals)
                if (refusal.Reason is { } reason)
                    yield return new(part.KeyOf(key), new(refusal.Sequence), new(refusal.Position), reason);
        }
    }

    private static int Behind(CollectionPart<T> part, ReadOnlySpan<int> order, string after)
    {
        var (low, high) = (0, order.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Utf8Order.Instance.Compare(part.Records[order[middle]].Key, after) <= 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private CollectionRecord<T> RecordAt(CollectionPart<T> part, int slot)
    {
        ref var entry = ref part.Records[slot];
        var isOld = entry.Position < 0;
        return new(part.KeyOf(entry.Key!), entry.Value, new(entry.Sequence),
            new(part.Feed, isOld ? default : _history, new(Math.Abs(entry.Position))), new(_versions[entry.Version]),
            entry.Hash, new(entry.Id), new(entry.Time), _producers[entry.Producer], isOld);
    }

    private FeedFreshness FreshnessOf(CollectionFeed<T> feed) => feed is { Id: { } id, WasLoaded: true } && !_isFull
        ? new(true, new(id, _history, new(feed.Fresh)), feed.FreshAt, IsCurrentFeed(feed))
        : FeedFreshness.Unknown;

    private static bool IsCurrentFeed(CollectionFeed<T> feed) =>
        Demand(feed) is null && feed.Refused == 0 && feed.Beats.To <= feed.Heard;

    private CollectionStatus StatusNow()
    {
        if (_isFull) return CollectionStatus.Full;
        var status = CollectionStatus.Ok;
        foreach (var feed in _feeds)
            if (StatusOf(feed) is var other && other > status) status = other;
        return status;
    }

    private CollectionStatus StatusOf(CollectionFeed<T> feed)
    {
        if (!feed.WasLoaded) return feed.IsReset ? CollectionStatus.Stale : CollectionStatus.Loading;
        if (Demand(feed) is not null)
            return feed.Failures >= _rules.StaleAfterFailures ? CollectionStatus.Stale : CollectionStatus.Refetching;
        return feed.Refused > 0 ? CollectionStatus.Skew : CollectionStatus.Ok;
    }
}

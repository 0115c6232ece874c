using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>What a runner knows: how far each feed is taken in, which shards there are, and which of them must be derived
/// again. A deterministic state machine; its shell is <see cref="InsightRunner"/>.</summary>
/// <remarks>The rule that it protects: what a shard's summary lacks is in the queue, or behind a cursor.</remarks>
internal sealed class FollowCore(
    IReadOnlyList<CrossVaultDerivation> derivations, InsightOptions options, PlantedFaults faults)
{
    private readonly Dictionary<FeedId, FeedPosition> _cursors = [];
    private readonly HashSet<string> _shards = new(StringComparer.Ordinal);

    /// <summary>The collections that are derived from.</summary>
    public IReadOnlyList<string> Collections { get; } =
        [.. derivations.Select(one => one.SourceCollection).Distinct(StringComparer.Ordinal)];

    /// <summary>The shards that are not settled.</summary>
    public ShardQueueCore Queue { get; } = new(options, faults);

    /// <summary>True while every shard has been compared with its summaries since the last start.</summary>
    public bool IsCompared { get; private set; }

    /// <summary>Shards of the group that are known.</summary>
    public int Shards => _shards.Count;

    /// <summary>By feed: how far its changes are taken in.</summary>
    public IEnumerable<FeedPosition> Cursors => _cursors.Values;

    /// <summary>True when nothing is left to do that this knows of.</summary>
    public bool IsSettled => IsCompared && Queue.Pending == 0;

    /// <summary>Everything is compared anew, and followed from the feeds' heads, which were read before anything
    /// else.</summary>
    /// <returns>Where to follow from.</returns>
    public IReadOnlyList<FeedPosition> Begin(IReadOnlyList<FeedPosition> heads)
    {
        if (HasCursorsApart)
            heads = [.. heads.Select(head => faults.CursorsApart!.TryGetValue(head.Feed, out var at) ? at : head)];
        IsCompared = false;
        Queue.Restarted(heads[0].History);
        _shards.Clear();
        _cursors.Clear();
        foreach (var head in heads) _cursors[head.Feed] = head;
        return heads;
    }

    /// <summary>For <see cref="PlantedFaults.HeadsAfterLists"/>: follows from later heads.</summary>
    public IReadOnlyList<FeedPosition> Moved(IReadOnlyList<FeedPosition> heads)
    {
        foreach (var head in heads) _cursors[head.Feed] = head;
        return heads;
    }

    /// <summary>The shards of a derivation's collection with their last positions, against its summaries.</summary>
    public void Compare(
        CrossVaultDerivation derivation, Dictionary<string, FeedPosition> shards, Dictionary<string, Provenance> summaries)
    {
        foreach (var (vault, last) in shards)
        {
            _shards.Add(vault);
            var summary = summaries.GetValueOrDefault(Names.Split(vault).Partition!);
            if (!HasCursorsApart && !GroupScan.IsCurrent(summary, derivation, vault, last))
                Queue.Changed(new ShardSource(vault, derivation.SourceCollection), last);
        }
    }

    /// <summary>All of them were compared.</summary>
    public void Compared() => IsCompared = true;

    /// <summary>Takes what a feed tells, in its order.</summary>
    public void Take(FeedEvent item)
    {
        if (faults.CursorsApart is { } apart) apart[item.At.Feed] = item.At;
        if (item is FeedEvent.Change { Envelope: var envelope })
        {
            var vault = envelope.Key.Vault;
            // A new shard has a summary of every derivation, also of collections that it does not have yet.
            var touched = _shards.Add(vault) ? Collections : Collections.Where(one => one == envelope.Key.Collection);
            foreach (var collection in touched) Queue.Changed(new ShardSource(vault, collection), item.At);
        }
        _cursors[item.At.Feed] = item.At;
    }

    /// <summary>True when all that these positions name is in summaries or dead letters.</summary>
    public bool IsSettledAt(IReadOnlyList<FeedPosition> positions) => IsSettled && positions.All(head =>
        _cursors.TryGetValue(head.Feed, out var at) && at.History == head.History && at.Position >= head.Position);

    private bool HasCursorsApart => faults.CursorsApart is { Count: > 0 };
}

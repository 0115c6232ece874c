using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>What a runner tells of itself.</summary>
/// <param name="IsIdle">Everything that it knows of is in summaries or dead letters.</param>
/// <param name="Shards">Shards of the group that it knows of.</param>
/// <param name="Pending">Shards that wait or are derived.</param>
/// <param name="Running">Shards that are derived now.</param>
/// <param name="DeadLetters">Shards that could not be derived.</param>
/// <param name="Counts">Since the start.</param>
/// <param name="Cursors">By feed: how far its changes are taken in.</param>
/// <param name="Trouble">Why it does not come on now; null = nothing is in its way.</param>
public sealed record InsightStatus(
    bool IsIdle, int Shards, int Pending, int Running, int DeadLetters, InsightCounts Counts, IReadOnlyList<FeedPosition> Cursors,
    string? Trouble);

/// <summary>Figures of a runner since its start.</summary>
public sealed record InsightCounts
{
    /// <summary>Changes of the group's shards.</summary>
    public long Changes { get; init; }

    /// <summary>Changes that needed no derivation of their own.</summary>
    public long Coalesced { get; init; }

    /// <summary>Derivations of shards that ended, well or not.</summary>
    public long Derived { get; init; }

    /// <summary>Summaries that stood after a derivation.</summary>
    public long Written { get; init; }

    /// <summary>Summaries that a derivation could not give.</summary>
    public long Failed { get; init; }

    /// <summary>Shards that were tried again.</summary>
    public long Retries { get; init; }

    /// <summary>Requests that were handed out again since nothing was heard of them.</summary>
    public long Redelivered { get; init; }

    /// <summary>How often all shards were compared with their summaries: once at the start, and at each
    /// reset.</summary>
    public long Compared { get; init; }

    /// <summary>How often following or comparing failed and was tried again.</summary>
    public long FollowFailures { get; init; }
}

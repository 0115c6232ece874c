namespace Sync.Lobby.Insights;

/// <summary>For tests: breaks a rule that protects R7, so that a test can be shown to notice. Off, always,
/// elsewhere.</summary>
public sealed record PlantedFaults
{
    /// <summary>Nothing is broken.</summary>
    public static readonly PlantedFaults None = new();

    /// <summary>Where an earlier life of the process left off, kept apart from the summaries and moved on when a change
    /// arrives: the next life goes on from there and does not compare summaries. Null = the rule holds.</summary>
    public IDictionary<Sync.Contracts.FeedId, Sync.Contracts.FeedPosition>? CursorsApart { get; init; }

    /// <summary>A runner follows from where the feeds stand after their shards were listed.</summary>
    internal bool HeadsAfterLists { get; init; }

    /// <summary>A change of a shard that is just derived is taken for part of that derivation.</summary>
    internal bool NewestCoalescedAway { get; init; }

    /// <summary>A summary replaces whatever stands there.</summary>
    internal bool OlderReplacesNewer { get; init; }

    /// <summary>A write without an answer is taken for written.</summary>
    internal bool UnknownTakenForWritten { get; init; }

    /// <summary>A shard that failed too often is forgotten.</summary>
    internal bool DeadLetterForgotten { get; init; }

    /// <summary>A request of which nothing is heard is waited for.</summary>
    internal bool NeverRedelivered { get; init; }
}

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
}

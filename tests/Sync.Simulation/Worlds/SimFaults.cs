using Sync.Simulation.Changefeeds;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;
using InsightFaults = Sync.Lobby.Insights.PlantedFaults;
using CollectionFaults = Sync.Replication.CollectionPlantedFaults;

namespace Sync.Simulation.Worlds;

/// <summary>All switches that break a rule, of all worlds; a world looks at its own.</summary>
internal sealed record SimFaults
{
    public static readonly SimFaults None = new();

    public LedgerFaults Ledger { get; init; } = LedgerFaults.None;
    public ReplicaFaults Replica { get; init; } = ReplicaFaults.None;
    public CollectionFaults Collection { get; init; } = CollectionFaults.None;
    public InsightFaults Insight { get; init; } = InsightFaults.None;
    public FeedModelFaults Feed { get; init; } = FeedModelFaults.None;
}

using Sync.Simulation.Changefeeds;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;
using InsightFaults = Sync.Lobby.Insights.PlantedFaults;
using CollectionFaults = Sync.Replication.CollectionPlantedFaults;

namespace Sync.Simulation.Worlds;

/// <summary>Rules of clients, which are models here.</summary>
internal sealed record ClientFaults
{
    public static readonly ClientFaults None = new();

    /// <summary>A client repeats what it has no answer to under another idempotency key.</summary>
    public bool RetriesWithFreshKeys { get; init; }
}

/// <summary>All switches that break a rule, of all worlds; a world looks at its own.</summary>
internal sealed record SimFaults
{
    public static readonly SimFaults None = new();

    public LedgerFaults Ledger { get; init; } = LedgerFaults.None;
    public ReplicaFaults Replica { get; init; } = ReplicaFaults.None;
    public ClientFaults Client { get; init; } = ClientFaults.None;
    public CollectionFaults Collection { get; init; } = CollectionFaults.None;
    public InsightFaults Insight { get; init; } = InsightFaults.None;
    public FeedModelFaults Feed { get; init; } = FeedModelFaults.None;
}

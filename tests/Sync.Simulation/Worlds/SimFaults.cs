using Sync.Simulation.Changefeeds;
using CollectionFaults = Sync.Replication.CollectionPlantedFaults;
using InsightFaults = Sync.Lobby.Insights.PlantedFaults;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;

namespace Sync.Simulation.Worlds;

/// <summary>Rules of what surrounds the cores and is a model here: clients, mailboxes, hosts.</summary>
internal sealed record ModelFaults
{
    public static readonly ModelFaults None = new();

    /// <summary>A client repeats what it has no answer to under another idempotency key.</summary>
    public bool RetriesWithFreshKeys { get; init; }

    /// <summary>A client passes a refusal on although an earlier attempt of the write had no answer.</summary>
    public bool ClientForgetsOpenAttempts { get; init; }

    /// <summary>A writer that forwards passes a refusal on although an earlier attempt of the write had no answer.</summary>
    public bool ForwarderForgetsOpenAttempts { get; init; }

    /// <summary>A mailbox takes what comes although it is full.</summary>
    public bool MailboxNotBounded { get; init; }
}

/// <summary>All switches that break a rule, of all worlds; a world looks at its own.</summary>
internal sealed record SimFaults
{
    public static readonly SimFaults None = new();

    public LedgerFaults Ledger { get; init; } = LedgerFaults.None;
    public ReplicaFaults Replica { get; init; } = ReplicaFaults.None;
    public ModelFaults Model { get; init; } = ModelFaults.None;
    public CollectionFaults Collection { get; init; } = CollectionFaults.None;
    public InsightFaults Insight { get; init; } = InsightFaults.None;
    public FeedModelFaults Feed { get; init; } = FeedModelFaults.None;
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What hub and metrics know of a collection replica, whatever its model.</summary>
public abstract class CollectionReplica : IEnvelopeHandler, IBeatHandler, IAsyncDisposable
{
    private protected CollectionReplica(ReplicaHub hub, SyncedPattern scope) => (Hub, Scope) = (hub, scope);

    /// <summary>What is kept.</summary>
    public SyncedPattern Scope { get; }

    /// <summary>How the whole stands: the highest status of its feeds.</summary>
    public abstract CollectionStatus Status { get; }

    /// <summary>What was counted since its birth.</summary>
    public abstract CollectionCounters Counters { get; }

    /// <summary>Records held.</summary>
    public abstract long Count { get; }

    internal ReplicaHub Hub { get; }

    /// <summary>Ends it: unsubscribes, cancels requests; what is held stays readable. Idempotent.</summary>
    public abstract ValueTask DisposeAsync();

    void IEnvelopeHandler.Receive(Envelope envelope)
    {
        using var span = ApplyTelemetry.Begin(envelope);
        var isApplied = Take(envelope);
        ApplyTelemetry.End(span, envelope, isApplied ? 1 : 0, "collection", Hub.Time);
    }

    void IEnvelopeHandler.Disrupted(Disruption disruption) => MayHaveMissed(disruption);

    void IBeatHandler.Receive(Beat beat) => Take(beat);

    void IBeatHandler.Disrupted(Disruption disruption) => MayHaveMissed(disruption);

    /// <summary>True when something else is visible now.</summary>
    private protected abstract bool Take(Envelope envelope);

    private protected abstract void Take(Beat beat);

    private protected abstract void MayHaveMissed(Disruption disruption);
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>All local replicas of one key behind one subscription: a delivery is a walk over an array.
/// <para>Why it is safe: the array is copied on write under the hub's lock and read whole, so a replica that comes
/// or goes during a delivery is harmless (one that is gone drops what it gets). A group ends with its last replica
/// and is never used again: a later replica of the key makes a new group with a subscription of its own, so none can
/// be lost between the two.</para></summary>
internal sealed class KeyGroup(ReplicaHub hub, SyncedKey key) : IEnvelopeHandler
{
    private Replica[] _replicas = [];
    private Task<IAsyncDisposable>? _subscription;

    public SyncedKey Key => key;

    public Replica[] Replicas => Volatile.Read(ref _replicas);

    public void Receive(Envelope envelope)
    {
        using var span = ApplyTelemetry.Begin(envelope);
        var applied = 0;
        foreach (var replica in Volatile.Read(ref _replicas))
            if (replica.Receive(envelope, EnvelopeOrigin.Live)) applied++;
        ApplyTelemetry.End(span, envelope, applied, "key", hub.Time);
    }

    public void Disrupted(Disruption disruption) => hub.Disrupted([this], disruption);

    /// <summary>Under the hub's lock.</summary>
    public void Add(Replica replica) => Volatile.Write(ref _replicas, [.. _replicas, replica]);

    /// <summary>Under the hub's lock. True when it was the last.</summary>
    public bool Remove(Replica replica)
    {
        Volatile.Write(ref _replicas, Array.FindAll(_replicas, other => other != replica));
        return _replicas.Length == 0;
    }

    /// <summary>Under the hub's lock: true when the key has, or is getting, a subscription of its own.</summary>
    public bool IsSubscribed => _subscription is not null and not { IsFaulted: true } and not { IsCanceled: true };

    /// <summary>Under the hub's lock: begins the one subscription, or joins it.</summary>
    public Task<IAsyncDisposable> SubscribeAsync(ITransport transport, CancellationToken stopping) =>
        IsSubscribed
            ? _subscription!
            : _subscription = Task.Run(() => transport.SubscribeAsync(key, this, stopping).AsTask(), stopping);

    /// <summary>Ends the key's own subscription, if it has one: its last replica has gone, or its collection is followed as a
    /// whole.</summary>
    public async Task EndAsync(Lock gate)
    {
        Task<IAsyncDisposable>? ending;
        lock (gate) (ending, _subscription) = (_subscription, null);
        if (ending is null) return;
        IAsyncDisposable subscription;
        try
        {
            subscription = await ending.ConfigureAwait(false);
        }
        catch (Exception error) when (error is SyncException or OperationCanceledException or ObjectDisposedException)
        {
            return; // it never came to be; whoever opened it was told
        }
        await subscription.DisposeAsync().ConfigureAwait(false);
    }
}

using Sync.Contracts;
using Sync.Replication;

using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Engine;

/// <summary>One followed scope. The replica is set once, by the engine, when its subscriptions stand; null until
/// then.</summary>
internal sealed class Followed(SyncedPattern scope)
{
    private volatile Held? _held;

    public SyncedPattern Scope => scope;

    public Held? Held
    {
        get => _held;
        set => _held = value;
    }

    public CollectionStatus Status => _held?.Status ?? CollectionStatus.Loading;
}

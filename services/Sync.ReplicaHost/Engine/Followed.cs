using Sync.Contracts;
using Sync.Replication;

namespace Sync.ReplicaHost.Engine;

/// <summary>One followed scope. What is held is set once, by the engine, when the subscriptions stand; null until
/// then.</summary>
internal sealed class Followed(SyncedPattern scope, int changesKept)
{
    private volatile IHeld? _held;

    public SyncedPattern Scope => scope;

    /// <summary>What streams are told.</summary>
    public ChangeLog Changes { get; } = new(changesKept);

    public IHeld? Held
    {
        get => _held;
        set => _held = value;
    }

    public CollectionStatus Status => _held?.Status ?? CollectionStatus.Loading;
}

using Sync.Contracts;
using Sync.Replication;
using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Engine;

/// <summary>What is held of a scope. Safe from any thread.</summary>
internal interface IHeld : IAsyncDisposable
{
    CollectionStatus Status { get; }
    bool IsCurrent { get; }
    long Count { get; }
    int RefusedCount { get; }
    CollectionCounters Counters { get; }
    IReadOnlyList<HeldFeed> Feeds();
    IReadOnlyList<(string Vault, string Collection, int Count)> Collections();
    IReadOnlyList<RefusedRecord> Refused();
    bool TryGet(SyncedKey key, out Record record);
    bool List(string vault, string collection, string? after, int limit, List<Record> records);
    CollectionDigest Digest(string vault, string collection);
}

/// <summary>How one feed of a scope stands.</summary>
internal readonly record struct HeldFeed(FeedId? Feed, CollectionStatus Status, Freshness Freshness);

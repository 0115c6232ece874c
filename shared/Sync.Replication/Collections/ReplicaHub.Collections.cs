using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The collection replicas of a hub.</summary>
public sealed partial class ReplicaHub
{
    private readonly HashSet<CollectionReplica> _collections = [];
    private readonly ICollectionSource? _pages;
    private readonly SemaphoreSlim _pageSlots;
    private readonly Random _collectionRandom;

    /// <summary>Collection replicas that are open.</summary>
    public int CollectionCount
    {
        get { lock (_gate) return _collections.Count; }
    }

    /// <summary>Opens a replica of a collection, a vault or a group. Completes when its subscriptions are confirmed and the
    /// first page is on its way (<see cref="CollectionReplica{T}.WhenLoadedAsync"/> waits for the rest).</summary>
    /// <exception cref="SyncException">An option is refused, the hub has no source for pages, there are too many, or the bus is
    /// unavailable.</exception>
    public async Task<CollectionReplica<T>> OpenCollectionAsync<T>(
        CollectionReplicaOptions<T> options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (_source is null || _pages is null)
            throw new SyncException(SyncErrorCode.Invalid,
                "This hub has no source of pages; start it with one to open collection replicas");
        var replica = new CollectionReplica<T>(
            this, options, new CollectionParts(_transport, _pages, _source, _pageSlots, _time, _collectionRandom));
        Register(replica);
        try
        {
            await replica.OpenAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await replica.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return replica;
    }

    internal void Close(CollectionReplica replica)
    {
        lock (_gate)
            if (!_collections.Remove(replica)) return;
        CollectionMetrics.Retire(replica.Counters);
    }

    internal List<CollectionReplica> AllCollections()
    {
        lock (_gate) return [.. _collections];
    }

    private void Register(CollectionReplica replica)
    {
        lock (_gate)
        {
            if (_isDisposed) throw new SyncException(SyncErrorCode.Stopped, "The hub is disposed.");
            if (_collections.Count >= _options.CollectionsMax)
                throw new SyncException(SyncErrorCode.Exhausted,
                    $"There are {_collections.Count} collection replicas; Sync:Replicas:CollectionsMax allows no more");
            _collections.Add(replica);
        }
    }
}

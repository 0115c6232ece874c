using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>What a ledger in memory is made with.</summary>
public sealed record MemoryLedgerOptions
{
    /// <summary>Number of feeds. Default 8; 1..1024.</summary>
    public int Feeds { get; init; } = Sync.Contracts.Feeds.CountDefault;

    /// <summary>Most value bytes that it takes (an overhead of 512 a fact counts); what would exceed it is not
    /// committed. Default 1 GiB; at least 1.</summary>
    public long BytesMax { get; init; } = 1L << 30;

    /// <summary>Its history. Default 1; a positive number below 2^53.</summary>
    public HistoryId History { get; init; } = new(1);

    /// <summary>Vaults that are pinned to a feed. Default none.</summary>
    public IReadOnlyDictionary<string, FeedId> Overrides { get; init; } =
        new Dictionary<string, FeedId>(StringComparer.Ordinal);
}

/// <summary>A ledger in memory: the whole contract, leases included, so that several nodes of one process can share
/// one object. For tests, the simulation, and a single box that may forget. It keeps every fact until it is disposed,
/// up to <see cref="MemoryLedgerOptions.BytesMax"/>; then commits fail, reads go on.</summary>
/// <remarks>One lock guards all state and is never held across an await, so every member sees and leaves a whole
/// state: each read is a snapshot, each commit atomic. Members complete synchronously.</remarks>
public sealed partial class MemoryLedgerStore : ILedgerStore
{
    private const int FactOverheadBytes = 512;

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly MemoryLedgerOptions _options;
    private readonly PlantedFaults _faults;
    private readonly MemoryFeed[] _feeds;
    private readonly Dictionary<SyncedKey, MemoryKey> _keys = [];
    private readonly Dictionary<CollectionName, MemoryCollection> _collections = [];
    private readonly SortedSet<SyncedKey> _names = new(Utf8Order.Instance);
    private readonly Dictionary<IdempotencyName, Fact> _idempotency = [];
    private long _bytes;

    /// <summary>An empty ledger.</summary>
    /// <param name="time">Clock of the leases; its timestamps count, not its wall clock.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="faults">For the simulation only.</param>
    public MemoryLedgerStore(TimeProvider time, MemoryLedgerOptions? options = null, PlantedFaults? faults = null)
    {
        _time = time;
        _started = time.GetTimestamp();
        _options = options ?? new MemoryLedgerOptions();
        _faults = faults ?? PlantedFaults.None;
        if (_options.Feeds is < 1 or > Sync.Contracts.Feeds.CountMax)
            throw new SyncException(SyncErrorCode.Invalid,
                $"Feeds is {_options.Feeds}; must be 1..{Sync.Contracts.Feeds.CountMax} feeds");
        _feeds = new MemoryFeed[_options.Feeds];
        for (var index = 0; index < _feeds.Length; index++) _feeds[index] = new MemoryFeed();
        Info = new LedgerInfo("memory", _options.Feeds, _options.History,
            LedgerCapabilities.AsOf | LedgerCapabilities.AtomicBatch | LedgerCapabilities.Shared);
    }

    /// <inheritdoc/>
    public LedgerInfo Info { get; }

    /// <inheritdoc/>
    public ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation = default) => new(Place(vault));

    /// <inheritdoc/>
    public ValueTask<FeedState?> AcquireAsync(
        FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var row = Row(feed);
            if (row.Owner is not null && row.Owner != owner && row.LeaseUntil > Now) return new((FeedState?)null);
            row.Epoch = new LeaseEpoch(row.Epoch.Value + 1);
            row.Owner = owner;
            row.LeaseUntil = Now + ttl;
            var lease = new FeedLease(feed, row.Epoch, owner);
            return new(new FeedState(lease, row.Position, row.Chain, row.LastTime, row.Published));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> RenewAsync(
        FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var row = Row(lease.Feed);
            if (row.Epoch != lease.Epoch || row.Owner != lease.Owner) return new(false);
            row.LeaseUntil = Now + ttl;
            row.SavePublished(published);
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var row = Row(lease.Feed);
            if (row.Epoch != lease.Epoch || row.Owner != lease.Owner) return default;
            row.Owner = null;
            row.SavePublished(published);
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var heads = new HeadState[request.Keys.Count];
            for (var index = 0; index < heads.Length; index++)
                heads[index] = _keys.TryGetValue(request.Keys[index], out var key) ? key.Head : HeadState.None;
            var collections = new CollectionState[request.Collections.Count];
            for (var index = 0; index < collections.Length; index++)
                if (_collections.TryGetValue(request.Collections[index], out var found))
                    collections[index] = new(found.LastPosition, found.Shape);
            var idempotency = new Fact?[request.Idempotency.Count];
            for (var index = 0; index < idempotency.Length; index++)
                idempotency[index] = _idempotency.GetValueOrDefault(request.Idempotency[index]);
            return new(new Loaded(heads, collections, idempotency));
        }
    }

    /// <inheritdoc/>
    public ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation = default)
    {
        CheckDense(group);
        lock (_gate) return new(Commit(group));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var now = Now;
            var status = new FeedStatus[_feeds.Length];
            for (var index = 0; index < status.Length; index++)
            {
                var row = _feeds[index];
                status[index] = new(
                    new FeedId(index), row.Position, row.Published, Position.Start.Next, row.Epoch, row.Owner,
                    row.Owner is null ? TimeSpan.Zero : row.LeaseUntil - now);
            }
            return new(status);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> ExpireIdempotencyAsync(
        FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var row = Row(feed);
            for (var step = 0; step < factsMax; step++)
            {
                if (!IsExpired(row, before)) return new(false);
                var fact = row.Facts[(int)row.Expired++];
                if (fact.IdempotencyKey is not { } key) continue;
                var name = new IdempotencyName(fact.Key.Vault, key);
                if (_idempotency.TryGetValue(name, out var kept) && kept.Id == fact.Id) _idempotency.Remove(name);
            }
            return new(IsExpired(row, before));
        }

        static bool IsExpired(MemoryFeed row, Timestamp before) =>
            row.Expired < row.Facts.Count && row.Facts[(int)row.Expired].TransactionTime < before;
    }

    /// <summary>Nothing to release.</summary>
    public ValueTask DisposeAsync() => default;

    private TimeSpan Now => _time.GetElapsedTime(_started);

    private FeedId Place(string vault) =>
        _options.Overrides.TryGetValue(vault, out var pinned) ? pinned : Sync.Contracts.Feeds.Of(vault, _options.Feeds);

    private MemoryFeed Row(FeedId feed) => feed.Value >= 0 && feed.Value < _feeds.Length
        ? _feeds[feed.Value]
        : throw new SyncException(SyncErrorCode.Invalid,
            $"There is no feed {feed}; the ledger has 0..{_feeds.Length - 1}.");

    private CommitOutcome Commit(FactGroup group)
    {
        var row = Row(group.Lease.Feed);
        var isMine = _faults.NoEpochInFence || (row.Epoch == group.Lease.Epoch && row.Owner == group.Lease.Owner);
        if (isMine && row.Position < group.Expected) return new CommitOutcome.TooEarly();
        if (!isMine || row.Position != group.Expected) return new CommitOutcome.Fenced();
        if (!_faults.IdempotencyOutsideTransaction && HasUsedKey(group)) return new CommitOutcome.DuplicateKey();
        long bytes = 0;
        foreach (var pending in group.Facts) bytes += pending.Fact.Value.Length + FactOverheadBytes;
        if (_bytes + bytes > _options.BytesMax) return new CommitOutcome.Failed("The memory ledger is full.");
        _bytes += bytes;
        foreach (var pending in group.Facts) Keep(row, pending);
        row.LeaseUntil = Now + group.LeaseTtl;
        row.SavePublished(group.Published);
        return new CommitOutcome.Committed();
    }

    private bool HasUsedKey(FactGroup group)
    {
        HashSet<IdempotencyName>? seen = null;
        foreach (var pending in group.Facts)
        {
            if (pending.Fact.IdempotencyKey is not { } key) continue;
            var name = new IdempotencyName(pending.Fact.Key.Vault, key);
            if (_idempotency.ContainsKey(name) || !(seen ??= []).Add(name)) return true;
        }
        return false;
    }

    private void Keep(MemoryFeed row, PendingFact pending)
    {
        var fact = pending.Fact;
        row.Facts.Add(fact);
        var name = new CollectionName(fact.Key.Vault, fact.Key.Collection);
        if (!_collections.TryGetValue(name, out var collection))
        {
            var shape = fact.Op == ChangeOp.Append ? CollectionShape.History : CollectionShape.Store;
            _collections.Add(name, collection = new MemoryCollection { Shape = shape });
            _names.Add(new SyncedKey(name.Vault, name.Collection, ""));
        }
        collection.LastPosition = fact.Position;
        if (!_keys.TryGetValue(fact.Key, out var key))
        {
            _keys.Add(fact.Key, key = new MemoryKey());
            collection.Keys.Add(fact.Key.Key);
        }
        key.Facts.Add(fact);
        key.Head = new HeadState(fact.Sequence, fact.Position, fact.Id, fact.Op != ChangeOp.Delete, pending.Origin);
        if (fact.IdempotencyKey is { } used) _idempotency[new(fact.Key.Vault, used)] = fact;
    }

    // The contract of a group; a sequencer that breaks it must not be believed.
    private static void CheckDense(FactGroup group)
    {
        if (group.Facts.Count == 0) throw new SyncException(SyncErrorCode.Invalid, "A group has at least one fact.");
        for (var index = 0; index < group.Facts.Count; index++)
        {
            var fact = group.Facts[index].Fact;
            if (fact.Position.Value == group.Expected.Value + index + 1 && fact.Feed == group.Lease.Feed) continue;
            throw new SyncException(SyncErrorCode.Corrupt,
                $"Fact {index} of a group behind position {group.Expected} of feed {group.Lease.Feed} has position "
                + $"{fact.Position} of feed {fact.Feed}.");
        }
    }
}

using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>The ledger in Postgres. Each call is one statement or one batch: one round trip, one snapshot. What each
/// table and index is for is in <c>docs/decisions/0001-postgres-schema.md</c>.</summary>
/// <remarks>Safe to call concurrently: it holds no state but the pool and a memory of immutable numbers.</remarks>
public sealed class PostgresLedgerStore : ILedgerStore
{
    private readonly Connections _connections;
    private readonly Leases _leases;
    private readonly Loads _loads;
    private readonly GroupCommit _commits;
    private readonly Reads _reads;
    private readonly CollectionReads _collections;
    private readonly ScopeReads _scopes;

    private PostgresLedgerStore(Connections connections, int feeds, HistoryId history)
    {
        const LedgerCapabilities capabilities =
            LedgerCapabilities.Durable | LedgerCapabilities.AsOf | LedgerCapabilities.AtomicBatch | LedgerCapabilities.Shared;
        Info = new LedgerInfo("postgres", feeds, history, capabilities);
        _connections = connections;
        var names = new NameDirectory();
        var sql = new FeedSql[feeds];
        for (var feed = 0; feed < feeds; feed++) sql[feed] = new FeedSql(feed);
        _leases = new Leases(connections);
        _loads = new Loads(connections, names, sql);
        _commits = new GroupCommit(connections, names);
        _reads = new Reads(connections, names, sql, history);
        _collections = new CollectionReads(connections, names, sql, history, _reads);
        _scopes = new ScopeReads(connections, names, feeds, history);
    }

    /// <inheritdoc/>
    public LedgerInfo Info { get; }

    /// <summary>Connects, runs the migrations when an owner's connection string is given, and refuses a server on which
    /// acknowledged commits could be lost, a schema of another version and a ledger that was restored
    /// elsewhere.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: an option, the server or the schema is not
    /// as it must be; the message says what to do. <see cref="SyncErrorCode.LedgerUnavailable"/>: not reachable now;
    /// try again.</exception>
    public static async Task<PostgresLedgerStore> OpenAsync(PostgresOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (options.OwnerConnectionString is not null)
            await PostgresMigrations.RunAsync(options, cancellation).ConfigureAwait(false);
        var connections = new Connections(options);
        try
        {
            var ledger = await connections.RunAsync(LedgerRow.ReadAsync, cancellation).ConfigureAwait(false);
            return new PostgresLedgerStore(connections, ledger.Feeds, ledger.History);
        }
        catch
        {
            await connections.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation = default) =>
        _reads.FeedOfAsync(vault, cancellation);

    /// <inheritdoc/>
    public ValueTask<FeedState?> AcquireAsync(FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation = default) =>
        _leases.AcquireAsync(Known(feed), owner, ttl, cancellation);

    /// <inheritdoc/>
    public ValueTask<bool> RenewAsync(FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        return _leases.RenewAsync(lease, ttl, published, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        await _leases.ReleaseAsync(lease, published, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _loads.LoadAsync(Known(feed), request, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(group);
        return _commits.CommitAsync(group, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation = default) =>
        _reads.GetAsync(key, asOf, cancellation);

    /// <inheritdoc/>
    public ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count > IEnvelopeSource.ItemsMax)
            throw new SyncException(
                SyncErrorCode.Invalid, $"{items.Count} items were asked for; at most {IEnvelopeSource.ItemsMax} are allowed");
        return _collections.GetManyAsync(vault, items, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> ListAsync(
        string vault, string collection, string? afterKey, int limit, AsOf asOf, int bytesMax, CancellationToken cancellation = default)
    {
        if (asOf.Sequence is not null)
            throw new SyncException(
                SyncErrorCode.Invalid, "A list cannot be as of a sequence, which is of one key; give a position or a time");
        return _collections.ListAsync(new CollectionName(vault, collection), afterKey, Allowed(limit), asOf, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> HistoryAsync(
        SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        _reads.HistoryAsync(key, after, Allowed(limit), bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<FactPage> ReadFeedAsync(
        FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        _reads.FeedAsync(Known(feed), after, Allowed(limit), bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<FactPage> WindowAsync(WindowQuery query, int limit, int bytesMax, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        Known(query.Feed);
        return _collections.WindowAsync(query, Allowed(limit), bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        _scopes.SnapshotAsync(scope, Known(feed), after, Allowed(limit, SnapshotRequest.LimitMax), bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        _scopes.ChangesAsync(scope, Known(feed), after, Allowed(limit, ChangesRequest.LimitMax), bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation = default)
    {
        Allowed(request.Limit, VaultsRequest.LimitMax);
        return _scopes.VaultsAsync(group, request, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<CollectionDigest> DigestAsync(string vault, string collection, CancellationToken cancellation = default) =>
        _scopes.DigestAsync(new CollectionName(vault, collection), cancellation);

    /// <inheritdoc/>
    public ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation = default) =>
        _reads.PositionAtAsync(Known(feed), time, cancellation);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default) =>
        await _leases.StatusAsync(cancellation).ConfigureAwait(false);

    /// <inheritdoc/>
    public ValueTask<bool> ExpireIdempotencyAsync(
        FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation = default) =>
        _collections.ExpireIdempotencyAsync(Known(feed), before, factsMax, cancellation);

    /// <summary>Closes the pool.</summary>
    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    private FeedId Known(FeedId feed) => feed.Value >= 0 && feed.Value < Info.Feeds
        ? feed
        : throw new SyncException(SyncErrorCode.Invalid, $"Feed {feed} does not exist; the ledger has feeds 0..{Info.Feeds - 1}");

    private const int FactsMax = 10_000;

    private static int Allowed(int limit, int max = FactsMax) => limit >= 1 && limit <= max
        ? limit
        : throw new SyncException(SyncErrorCode.Invalid, $"A limit of {limit} is not allowed; give 1..{max}");
}

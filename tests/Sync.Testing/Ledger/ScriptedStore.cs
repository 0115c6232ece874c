using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Testing.Ledger;

/// <summary>A store whose commits and lease calls a test may intercept; everything else passes through. The hooks are
/// set before the store is used by others.</summary>
/// <param name="inner">The real one; not disposed.</param>
public sealed class ScriptedStore(ILedgerStore inner) : ILedgerStore
{
    /// <summary>Called instead of a commit, with the real one to call or not.</summary>
    public Func<FactGroup, Func<ValueTask<CommitOutcome>>, ValueTask<CommitOutcome>>? OnCommit { get; set; }

    /// <summary>Called before each acquisition and renewal; may wait or throw.</summary>
    public Func<Task>? OnLease { get; set; }

    /// <summary>Called before a vault's feed is looked up; may throw.</summary>
    public Action? OnPlace { get; set; }

    /// <summary>Called before each load; may wait or throw.</summary>
    public Func<Task>? OnLoad { get; set; }

    /// <summary>Called before each read of a feed, of a scope's changes, and of the status.</summary>
    public Action? OnFollow { get; set; }

    /// <summary>The oldest position that pages say is kept; null = as the real one says.</summary>
    public Position? Floor { get; set; }

    /// <inheritdoc/>
    public LedgerInfo Info => inner.Info;

    /// <inheritdoc/>
    public ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation = default)
    {
        OnPlace?.Invoke();
        return inner.FeedOfAsync(vault, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<FeedState?> AcquireAsync(
        FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation = default)
    {
        if (OnLease is { } hook) await hook();
        return await inner.AcquireAsync(feed, owner, ttl, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<bool> RenewAsync(
        FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation = default)
    {
        if (OnLease is { } hook) await hook();
        return await inner.RenewAsync(lease, ttl, published, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation = default) =>
        inner.ReleaseAsync(lease, published, cancellation);

    /// <inheritdoc/>
    public async ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation = default)
    {
        if (OnLoad is { } hook) await hook();
        return await inner.LoadAsync(feed, request, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation = default) =>
        OnCommit is { } hook
            ? hook(group, () => inner.CommitAsync(group, cancellation))
            : inner.CommitAsync(group, cancellation);

    /// <inheritdoc/>
    public ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation = default) =>
        inner.GetAsync(key, asOf, cancellation);

    /// <inheritdoc/>
    public ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation = default) =>
        inner.GetManyAsync(vault, items, bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<FactPage> ListAsync(
        string vault, string collection, string? afterKey, int limit, AsOf asOf, int bytesMax,
        CancellationToken cancellation = default) =>
        inner.ListAsync(vault, collection, afterKey, limit, asOf, bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<FactPage> HistoryAsync(
        SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        inner.HistoryAsync(key, after, limit, bytesMax, cancellation);

    /// <inheritdoc/>
    public async ValueTask<FactPage> ReadFeedAsync(
        FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default)
    {
        OnFollow?.Invoke();
        var floor = Floor ?? Position.Start;
        var from = after.Next < floor ? new Position(floor.Value - 1) : after;
        var page = await inner.ReadFeedAsync(feed, from, limit, bytesMax, cancellation);
        return Floor is null ? page : page with { Floor = floor };
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> WindowAsync(WindowQuery query, int limit, int bytesMax,
        CancellationToken cancellation = default) =>
        inner.WindowAsync(query, limit, bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax,
        CancellationToken cancellation = default) =>
        inner.SnapshotAsync(scope, feed, after, limit, bytesMax, cancellation);

    /// <inheritdoc/>
    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax,
        CancellationToken cancellation = default)
    {
        OnFollow?.Invoke();
        return inner.ChangesAsync(scope, feed, after, limit, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default) =>
        inner.VaultsAsync(group, request, cancellation);

    /// <inheritdoc/>
    public ValueTask<CollectionDigest> DigestAsync(
        string vault, string collection, CancellationToken cancellation = default) =>
        inner.DigestAsync(vault, collection, cancellation);

    /// <inheritdoc/>
    public ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation = default) =>
        inner.PositionAtAsync(feed, time, cancellation);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default)
    {
        OnFollow?.Invoke();
        return inner.StatusAsync(cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<bool> ExpireIdempotencyAsync(
        FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation = default) =>
        inner.ExpireIdempotencyAsync(feed, before, factsMax, cancellation);

    /// <summary>Nothing: the inner store belongs to whoever made it.</summary>
    public ValueTask DisposeAsync() => default;
}

using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Testing.Replication;

/// <summary>The way back to the writer without a bus: reads a store as a writer does.</summary>
public sealed class StoreSource(ILedgerStore store, int bytesMax = 1 << 20) : IEnvelopeSource, ICollectionSource
{
    private int _fails;

    /// <summary>Requests that were answered.</summary>
    public int Answered { get; private set; }

    /// <summary>The next requests fail, as without a writer.</summary>
    public void FailNext(int count) => Volatile.Write(ref _fails, count);

    /// <inheritdoc/>
    public ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, CancellationToken cancellation = default)
    {
        Begin();
        return store.GetManyAsync(vault, items, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default)
    {
        Begin();
        var feed = request.Feed ?? (scope.Vault is { } vault ? await store.FeedOfAsync(vault, cancellation) : default);
        return await store.SnapshotAsync(scope, feed, request.After, request.Limit, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default)
    {
        Begin();
        return store.ChangesAsync(scope, request.Feed, request.After, request.Limit, bytesMax, cancellation);
    }

    /// <inheritdoc/>
    public ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default) =>
        store.VaultsAsync(group, request, cancellation);

    private void Begin()
    {
        if (Interlocked.Decrement(ref _fails) >= 0)
            throw new SyncException(SyncErrorCode.NoAnswer, "no writer answers", isTransient: true);
        Answered++;
    }
}

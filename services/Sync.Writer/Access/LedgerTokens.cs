using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Writer.Access;

/// <summary>Where a writer reads tokens: its own ledger, which it needs for everything else anyway. So tokens are right at
/// the start, after a take-over and while the broker is away.</summary>
internal sealed class LedgerTokens(ILedgerStore store) : ICollectionSource
{
    private const int PageBytesMax = 1 << 20;

    public async ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default)
    {
        var feed = request.Feed ?? await store.FeedOfAsync(scope.Vault!, cancellation);
        return await store.SnapshotAsync(scope, feed, request.After, request.Limit, PageBytesMax, cancellation);
    }

    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default) =>
        store.ChangesAsync(scope, request.Feed, request.After, request.Limit, PageBytesMax, cancellation);

    public ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default) =>
        store.VaultsAsync(group, request, cancellation);
}

using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Writer;
using Sync.Writer.Engine;

namespace Sync.Benchmarks.Way;

/// <summary>The whole writer in a process of its own, with a clock behind the store: it writes to a board when the commit of
/// each sequence of one key returned.
/// <code>timed-writer --key NUMBER --board FILE --database CONNECTION [settings of the writer]</code></summary>
internal static class TimedWriter
{
    public static async Task<int> RunAsync(string[] args)
    {
        using var board = Board.Open(Arguments.Required(args, "--board"));
        var database = Arguments.Required(args, "--database");
        var options = new PostgresOptions { ConnectionString = database, OwnerConnectionString = database };
        await using var store = new TimedStore(
            await PostgresLedgerStore.OpenAsync(options), Records.Key(Arguments.Number(args, "--key", 0)), board);
        await using var app = WriterHost.Build(args, new WriterParts { Store = store });
        await app.RunAsync();
        return 0;
    }
}

/// <summary>Passes everything on, and notes when a commit that holds the watched key returned.</summary>
internal sealed class TimedStore(ILedgerStore store, SyncedKey watched, Board board) : ILedgerStore
{
    public LedgerInfo Info => store.Info;

    public async ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation = default)
    {
        var outcome = await store.CommitAsync(group, cancellation);
        var now = Stopwatch.GetTimestamp();
        if (outcome is CommitOutcome.Committed)
        {
            for (var index = 0; index < group.Facts.Count; index++)
                if (group.Facts[index].Fact is var fact && fact.Key == watched) board[fact.Sequence.Value] = now;
        }
        return outcome;
    }

    public ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation = default) =>
        store.FeedOfAsync(vault, cancellation);

    public ValueTask<FeedState?> AcquireAsync(
        FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation = default) =>
        store.AcquireAsync(feed, owner, ttl, cancellation);

    public ValueTask<bool> RenewAsync(
        FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation = default) =>
        store.RenewAsync(lease, ttl, published, cancellation);

    public ValueTask ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation = default) =>
        store.ReleaseAsync(lease, published, cancellation);

    public ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation = default) =>
        store.LoadAsync(feed, request, cancellation);

    public ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation = default) =>
        store.GetAsync(key, asOf, cancellation);

    public ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation = default) =>
        store.GetManyAsync(vault, items, bytesMax, cancellation);

    public ValueTask<FactPage> ListAsync(
        string vault, string collection, string? afterKey, int limit, AsOf asOf, int bytesMax,
        CancellationToken cancellation = default) =>
        store.ListAsync(vault, collection, afterKey, limit, asOf, bytesMax, cancellation);

    public ValueTask<FactPage> HistoryAsync(
        SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        store.HistoryAsync(key, after, limit, bytesMax, cancellation);

    public ValueTask<FactPage> ReadFeedAsync(
        FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        store.ReadFeedAsync(feed, after, limit, bytesMax, cancellation);

    public ValueTask<FactPage> WindowAsync(
        WindowQuery query, int limit, int bytesMax, CancellationToken cancellation = default) =>
        store.WindowAsync(query, limit, bytesMax, cancellation);

    public ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax,
        CancellationToken cancellation = default) =>
        store.SnapshotAsync(scope, feed, after, limit, bytesMax, cancellation);

    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax,
        CancellationToken cancellation = default) =>
        store.ChangesAsync(scope, feed, after, limit, bytesMax, cancellation);

    public ValueTask<VaultsPage> VaultsAsync(
        string group, VaultsRequest request, CancellationToken cancellation = default) =>
        store.VaultsAsync(group, request, cancellation);

    public ValueTask<CollectionDigest> DigestAsync(
        string vault, string collection, CancellationToken cancellation = default) =>
        store.DigestAsync(vault, collection, cancellation);

    public ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation = default) =>
        store.PositionAtAsync(feed, time, cancellation);

    public ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default) =>
        store.StatusAsync(cancellation);

    public ValueTask<bool> ExpireIdempotencyAsync(
        FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation = default) =>
        store.ExpireIdempotencyAsync(feed, before, factsMax, cancellation);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}

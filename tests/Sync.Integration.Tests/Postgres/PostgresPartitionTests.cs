using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>Partitions are cut by the owner while a writer goes on.</summary>
public sealed class PostgresPartitionTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    [Fact]
    public async Task Partitions_are_cut_ahead_of_a_writer_that_notices_nothing()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 2);
        using var done = new CancellationTokenSource();
        var feed = await ledger.Store.FeedOfAsync("acme");
        var writing = Task.Run(() => WriteAsync(ledger.Store, done.Token));
        var cut = 0;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (cut < 3)
        {
            bound.Token.ThrowIfCancellationRequested();
            cut += await PostgresMaintenance.CutPartitionsAsync(ledger.Options, 1000, bound.Token);
        }
        await done.CancelAsync();
        await writing;

        (await PostgresMaintenance.CutPartitionsAsync(ledger.Options)).ShouldBe(0);
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();
        (await ledger.ScalarAsync<long>($"select count(*) from pg_inherits where inhparent = 'sync.fact_{feed}'::regclass")).ShouldBe(4);
        (await ledger.ScalarAsync<long>("select count(*) from pg_constraint where conname = 'cut'")).ShouldBe(0);
        (await ledger.ScalarAsync<long>($"select count(distinct tableoid) from sync.fact_{feed}")).ShouldBeGreaterThan(1);
        // The past is found across partitions.
        var first = await ledger.Store.GetAsync(User("k0"), new AsOf(new Sequence(1), null, null));
        first!.Position.ShouldBe(new Position(1));
        (await ledger.Store.GetAsync(User("k0"), new AsOf(null, new Position(1), null)))!.Id.ShouldBe(first.Id);
    }

    private static async Task WriteAsync(PostgresLedgerStore store, CancellationToken done)
    {
        var driver = await StoreDriver.AcquireAsync(store);
        while (!done.IsCancellationRequested)
        {
            var group = await driver.GroupAsync([.. Enumerable.Range(0, 50).Select(number => Put(User($"k{number}")))]);
            // A lock that the cut holds for long fails the commit certainly; it is then tried again, as a sequencer
            // does.
            while (await driver.TryCommitAsync(group) is not CommitOutcome.Committed and var outcome)
                outcome.ShouldBeOfType<CommitOutcome.Failed>();
        }
    }
}

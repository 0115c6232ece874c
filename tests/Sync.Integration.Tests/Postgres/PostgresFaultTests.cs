using Npgsql;
using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>Faults of the server while groups are committed: what was acknowledged stays, what is unknown is there
/// whole or not at all, and it is found out by taking the feed again.</summary>
public sealed class PostgresFaultTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private const int Kills = 4;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_server_killed_while_groups_are_committed_loses_no_acknowledged_one_and_tears_none()
    {
        await using var server = await PostgresServer.CreateAsync();
        await using var ledger = await TestLedger.CreateAsync(await server.CreateDatabaseAsync("kill"), feeds: 4);
        var feeds = Enumerable.Range(0, 4).Select(feed => new Committing(ledger.Store, new FeedId(feed))).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            using var stop = new CancellationTokenSource();
            var started = feeds.ConvertAll(feed => feed.Committed);
            var running = feeds.ConvertAll(feed => Task.Run(() => feed.RunUntilLostAsync()));
            await UntilAsync(() => Task.FromResult(feeds.Select((feed, at) => feed.Committed > started[at] + 3).All(isMoving => isMoving)));
            await server.KillAsync();
            await Task.WhenAll(running);
            await server.StartAsync();
            foreach (var feed in feeds) await feed.ResolveAsync();
        }
        feeds.Sum(feed => feed.Unknown).ShouldBeGreaterThan(0);
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_backend_that_is_terminated_in_a_commit_leaves_an_unknown_outcome_and_no_fact()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        var group = await driver.GroupAsync(Put(User("b")));
        await using (var blocker = await BlockAsync(ledger))
        {
            var commit = driver.TryCommitAsync(group);
            await UntilAsync(async () => await ledger.ScalarAsync<long>(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event_type = 'Lock' "
                + "and datname = current_database()") > 0);
            (await commit).ShouldBeOfType<CommitOutcome.Unknown>();
        }
        var again = await StoreDriver.AcquireAsync(ledger.Store);
        again.State.Position.ShouldBe(new Position(1));
        again.Lease.Epoch.Value.ShouldBe(driver.Lease.Epoch.Value + 1);
        await again.WriteAsync(Put(User("b")));
    }

    [Fact]
    public async Task What_a_pooler_says_of_a_broken_connection_leaves_an_unknown_outcome()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        await ledger.ExecuteAsync("""
            create function sync.broken() returns trigger language plpgsql as
                $$ begin raise exception 'server conn crashed?' using errcode = '08P01'; end $$;
            create trigger broken before insert on sync.fact for each statement execute function sync.broken()
            """);
        (await driver.TryCommitAsync(await driver.GroupAsync(Put(User("b"))))).ShouldBeOfType<CommitOutcome.Unknown>();
    }

    [Fact]
    public async Task A_row_locked_too_long_fails_the_commit_certainly()
    {
        await using var ledger = await TestLedger.CreateAsync(
            await database.CreateDatabaseAsync(), 1, options => options with { LockTimeout = TimeSpan.FromMilliseconds(100) });
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        var group = await driver.GroupAsync(Put(User("b")));
        await using (var blocker = await BlockAsync(ledger))
            (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.Failed>();
        (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.Committed>();
    }

    [Fact]
    public async Task A_caller_that_gives_up_while_a_commit_is_on_its_way_does_not_know()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        var group = await driver.GroupAsync(Put(User("b")));
        using var patience = new CancellationTokenSource();
        await using (var blocker = await BlockAsync(ledger))
        {
            var commit = ledger.Store.CommitAsync(group, patience.Token).AsTask();
            await UntilAsync(async () => await ledger.ScalarAsync<long>(
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") > 0);
            await patience.CancelAsync();
            (await commit).ShouldBeOfType<CommitOutcome.Unknown>();
        }
        (await StoreDriver.AcquireAsync(ledger.Store)).State.Position.ShouldBe(new Position(1));
    }

    [Fact]
    public async Task A_server_that_is_down_fails_commits_and_reads_and_is_used_again_when_it_is_back()
    {
        await using var server = await PostgresServer.CreateAsync();
        await using var ledger = await TestLedger.CreateAsync(await server.CreateDatabaseAsync("down"), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        var group = await driver.GroupAsync(Put(User("b")));
        await server.StopAsync();
        // The first calls may still meet connections that died.
        await UntilAsync(async () => await driver.TryCommitAsync(group) is CommitOutcome.Failed);
        var error = await Should.ThrowAsync<SyncException>(async () => await ledger.Store.GetAsync(User("a"), AsOf.Now));
        (error.Code, error.IsTransient).ShouldBe((SyncErrorCode.LedgerUnavailable, true));
        await server.StartAsync();
        (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.Committed>();
        (await ledger.Store.GetAsync(User("b"), AsOf.Now)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Sixteen_rivals_and_six_pollers_see_one_dense_feed()
    {
        await using var ledger = await TestLedger.CreateAsync(
            await database.CreateDatabaseAsync(), 1, options => options with { ConnectionsMax = 20 });
        using var done = new CancellationTokenSource();
        var pollers = Enumerable.Range(0, 6).Select(_ => Task.Run(() => PollAsync(ledger.Store, done.Token))).ToList();
        var fenced = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(number => Task.Run(() => RivalAsync(number))));
        await done.CancelAsync();
        var seen = await Task.WhenAll(pollers);
        fenced.ShouldBeGreaterThan(0);
        // Every poller saw the same fact at each position, from the first to the last.
        foreach (var ids in seen) ids.ShouldBe(seen[0]);
        seen[0].Count.ShouldBe(16 * 2 * 3);
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();

        async Task RivalAsync(int number)
        {
            // Each acquisition fences whoever is between his own and his commit: most attempts are in vain.
            for (var committed = 0; committed < 2;)
            {
                // All say that they are the same owner, so that anybody may take the feed at any moment.
                var driver = (await StoreDriver.TryAcquireAsync(ledger.Store, new FeedId(0), "one", Minute)).ShouldNotBeNull();
                var group = await driver.GroupAsync(Put(User("hot")), Put(User($"own{number}"), $"{committed}"), Put(User("hot")));
                if (await driver.TryCommitAsync(group) is CommitOutcome.Committed) committed++;
                else Interlocked.Increment(ref fenced);
            }
        }
    }

    private static async Task<List<FactId>> PollAsync(PostgresLedgerStore store, CancellationToken done)
    {
        var ids = new List<FactId>();
        for (var isLast = false; !isLast;)
        {
            isLast = done.IsCancellationRequested;
            FactPage page;
            do
            {
                page = await store.ReadFeedAsync(new FeedId(0), new Position(ids.Count), 7, 1 << 20, CancellationToken.None);
                ids.AddRange(page.Facts.Select(fact => fact.Id));
            }
            while (page.More);
        }
        return ids;
    }

    private static async Task<IAsyncDisposable> BlockAsync(TestLedger ledger)
    {
        var connection = new NpgsqlConnection(ledger.OwnerConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("begin; select from sync.feed for update", connection);
        await command.ExecuteNonQueryAsync();
        return connection;
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>One feed's owner that keeps count of what it was told. Used by one task at a time.</summary>
    private sealed class Committing(PostgresLedgerStore store, FeedId feed)
    {
        private readonly string _vault = VaultOf(feed, store.Info.Feeds);
        private StoreDriver? _driver;
        private FactGroup? _lost;
        private int _committed;

        internal int Committed => Volatile.Read(ref _committed);

        internal int Unknown { get; private set; }

        internal async Task RunUntilLostAsync()
        {
            _driver ??= await StoreDriver.AcquireAsync(store, _vault);
            while (true)
            {
                var number = Committed;
                FactGroup group;
                try
                {
                    group = await _driver.GroupAsync([
                        .. Enumerable.Range(0, 20).Select(key => Put(new(_vault, "user", $"k{key}"), $"{number}", $"{number}-{key}"))]);
                }
                catch (SyncException error) when (error.IsTransient)
                {
                    return;
                }
                switch (await _driver.TryCommitAsync(group))
                {
                    case CommitOutcome.Committed:
                        Interlocked.Increment(ref _committed);
                        break;
                    case CommitOutcome.Unknown:
                        Unknown++;
                        _lost = group;
                        return;
                    case CommitOutcome.Failed:
                        return;
                    case var other:
                        throw new InvalidOperationException($"unexpected outcome {other}");
                }
            }
        }

        /// <summary>Takes the feed from itself: then the lost group is there whole or it never will be.</summary>
        internal async Task ResolveAsync()
        {
            var before = _driver!.State.Position;
            await UntilAsync(async () =>
            {
                try
                {
                    _driver = await StoreDriver.AcquireAsync(store, _vault);
                    return true;
                }
                catch (SyncException error) when (error.IsTransient)
                {
                    return false;
                }
            });
            var landed = _driver.State.Position.Value - before.Value;
            landed.ShouldBeOneOf(0, _lost?.Facts.Count ?? 0);
            if (landed > 0)
            {
                var page = await store.ReadFeedAsync(feed, before, 100, 1 << 20);
                page.Facts.Select(fact => fact.Id).ShouldBe(_lost!.Facts.Select(pending => pending.Fact.Id));
                Interlocked.Increment(ref _committed);
            }
            _lost = null;
        }

        private static string VaultOf(FeedId feed, int feeds)
        {
            for (var number = 0; ; number++)
                if (Feeds.Of($"vault{number}", feeds) == feed) return $"vault{number}";
        }
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Integration.Tests.Postgres;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Mutants;

/// <summary>Rules that a real Postgres holds, broken by the database's owner, which no setting of a service can do. Each
/// check holds before and must fail after: docs/TESTING.md lists them.</summary>
public sealed class PostgresMutantTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    // No epoch in the update: that it matched nothing, an old epoch too, refuses nothing.
    private const string NoEpochInUpdate = """
        create or replace function sync.fence(
            a_feed smallint, a_epoch bigint, a_owner text, a_expected bigint, a_count bigint, a_published bigint,
            a_chain bytea, a_time bigint, a_lease_ttl interval) returns void language sql as $$
        update sync.feed set position = a_expected + a_count, chain = a_chain, last_time = a_time
        where feed = a_feed and lease_epoch = a_epoch and position = a_expected and lease_owner = a_owner
        $$
        """;

    // Idempotency looked up outside the transaction: nothing in it refuses a key that came meanwhile.
    private const string IdempotencyOutsideTransaction = "alter table sync.idempotency drop constraint idempotency_pkey";

    // Lease times from the process's clock: the one that writes them is an hour slow.
    private const string LeaseByProcessClock = """
        create function sync.slow_clock() returns trigger language plpgsql as $$
        begin
            new.lease_until := new.lease_until - interval '1 hour';
            return new;
        end $$;
        create trigger slow_clock before update of lease_until on sync.feed
        for each row execute function sync.slow_clock()
        """;

    [Fact]
    public async Task Without_the_epoch_in_the_update_an_old_owner_commits_and_the_ledger_is_not_sound()
    {
        await using var ledger = await NewAsync();
        (await StragglerAsync(ledger.Store, "before")).ShouldBeOfType<CommitOutcome.Fenced>();
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();
        await ledger.ExecuteAsync(NoEpochInUpdate);
        (await StragglerAsync(ledger.Store, "after")).ShouldBeOfType<CommitOutcome.Committed>();
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldContain(wrong => wrong.Contains(" says ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_the_key_in_the_transaction_a_repeat_that_was_looked_up_too_early_commits_twice()
    {
        await using var ledger = await NewAsync();
        (await RepeatAsync(ledger.Store, "before")).ShouldBeOfType<CommitOutcome.DuplicateKey>();
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();
        await ledger.ExecuteAsync(IdempotencyOutsideTransaction);
        (await RepeatAsync(ledger.Store, "after")).ShouldBeOfType<CommitOutcome.Committed>();
        (await LedgerChecker.CheckAsync(ledger.Store))
            .ShouldContain(wrong => wrong.Contains("idempotency key 'after' committed at", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_lease_times_of_a_slow_process_a_feed_that_is_held_is_given_to_another()
    {
        await using var ledger = await NewAsync();
        await ledger.Store.AcquireAsync(new FeedId(0), "one", Minute);
        (await ledger.Store.AcquireAsync(new FeedId(0), "two", Minute)).ShouldBeNull();
        await ledger.ExecuteAsync(LeaseByProcessClock);
        await ledger.Store.AcquireAsync(new FeedId(0), "one", Minute);
        (await ledger.Store.AcquireAsync(new FeedId(0), "two", Minute)).ShouldNotBeNull();
    }

    // A new owner has taken the feed; what the old one had ready reaches the database now.
    private static async Task<CommitOutcome> StragglerAsync(PostgresLedgerStore store, string key)
    {
        var old = await StoreDriver.AcquireAsync(store);
        await old.WriteAsync(Put(User("a")));
        var straggler = await old.GroupAsync(Put(User(key)));
        await store.AcquireAsync(old.Lease.Feed, "one", Minute);
        return await old.TryCommitAsync(straggler);
    }

    // The second of two equal requests was looked up before the first committed.
    private static async Task<CommitOutcome> RepeatAsync(PostgresLedgerStore store, string key)
    {
        var driver = await StoreDriver.AcquireAsync(store);
        await driver.WriteAsync(Put(User("a"), "1", key));
        return await driver.TryCommitAsync(await driver.GroupAsync(Put(User("b"), "1", key)));
    }

    private async Task<TestLedger> NewAsync() => await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
}

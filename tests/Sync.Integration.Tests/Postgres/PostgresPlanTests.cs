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

/// <summary>Reads cost what they answer, not what is stored: counted by the server in rows, so no clock is
/// asked.</summary>
public sealed class PostgresPlanTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private const int Depth = 4000;

    [Fact]
    public async Task Reads_touch_few_rows_of_a_deep_ledger_and_scan_no_table()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        for (var round = 0; round < Depth / 500; round++)
            await driver.WriteAsync([
                .. Enumerable.Range(0, 1000).Select(number => number % 2 == 0
                    ? Put(User("deep"), $"{number}")
                    : Put(User($"k{(round * 1000) + number}"), "x", $"{round}-{number}"))]);
        // What the server counted comes when a session ends.
        await ledger.Store.DisposeAsync();
        await ledger.ExecuteAsync("analyze");
        var time = new Timestamp(driver.Time.UnixMicroseconds - 4_000_000);
        var past = new Position(Depth);

        await CostsAsync(ledger, "current", 2, store => store.GetAsync(User("deep"), AsOf.Now));
        await CostsAsync(ledger, "as of a position", 2, store => store.GetAsync(User("deep"), new(null, past, null)));
        // 13 halvings and the two steps of the lookup.
        await CostsAsync(ledger, "as of a time", 20, store => store.GetAsync(User("deep"), new(null, null, time)));
        await CostsAsync(ledger, "as of a sequence", 60, store => store.GetAsync(User("deep"), new(new(Depth / 3), null, null)));
        await CostsAsync(ledger, "history", 60, store => store.HistoryAsync(User("deep"), new(Depth / 2), 9, 1 << 20));
        await CostsAsync(ledger, "feed", 12, store => store.ReadFeedAsync(new(0), past, 10, 1 << 20));
        await CostsAsync(ledger, "list", 24, store => store.ListAsync("acme", "user", "k1", 10, AsOf.Now, 1 << 20));
        await CostsAsync(ledger, "list as of a position", 60, store => store.ListAsync(
            "acme", "user", "k1", 10, new(null, new(Depth * 2), null), 1 << 20));
        await CostsAsync(ledger, "many", 12, store => store.GetManyAsync(
            "acme", [.. Enumerable.Range(0, 5).Select(number => new RefetchItem("user", $"k{(2 * number) + 1}", Sequence.Unknown))], 1 << 20));
        await CostsAsync(ledger, "load", 8, store => store.LoadAsync(new(0), new LoadRequest(
            [User("deep"), User("k1")], [new("acme", "user")], [new("acme", "0-1"), new("acme", "none")])));
        await CostsAsync(ledger, "window", 12, store => store.WindowAsync(new(new(0), past, new(past.Value + 10), "acme", "user"), 100, 1 << 20));
        // A page looks at the sizes of the first records, and then reads its own; a full one of a collection looks at as many
        // keys again, for where the next one ends.
        var (collection, vault) = (SyncedPattern.OfCollection("acme", "user"), SyncedPattern.OfVault("acme"));
        await CostsAsync(ledger, "snapshot", 70, store => store.SnapshotAsync(collection, new(0), User("k1"), 10, 1 << 20));
        await CostsAsync(ledger, "snapshot of a vault", 60, store => store.SnapshotAsync(vault, new(0), User("k1"), 10, 1 << 20));
        await CostsAsync(ledger, "snapshot cut by bytes", 80, store => store.SnapshotAsync(collection, new(0), User("k1"), 10_000, 40));
        await CostsAsync(ledger, "changes", 12, store => store.ChangesAsync(collection, new(0), past, 10, 1 << 20));
        await CostsAsync(ledger, "changes of a vault", 12, store => store.ChangesAsync(vault, new(0), past, 10, 1 << 20));
        await CostsAsync(ledger, "digest", Depth * 2 + 10, store => store.DigestAsync("acme", "user"));
        // For 40 facts: themselves, and of every second one the key.
        await CostsAsync(ledger, "expiry", 80, store => store.ExpireIdempotencyAsync(new(0), driver.Time, 40));
        await CostsAsync(ledger, "commit", 20, async store =>
        {
            var owner = await StoreDriver.AcquireAsync(store);
            return await owner.WriteAsync(Put(User("k1")), Delete(User("k3")), Put(User("new"), "1", "new"), Delete(User("k5")));
        });
    }

    [Fact]
    public async Task Reads_of_a_group_touch_few_rows_of_many_vaults()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync([
            .. from number in Enumerable.Range(100, 500)
               from vault in new[] { $"g--{number}", $"h--{number}" }
               select Put(new(vault, "user", "a"))]);
        await ledger.Store.DisposeAsync();
        await ledger.ExecuteAsync("analyze");
        var (group, users) = (SyncedPattern.OfGroup("g"), SyncedPattern.OfGroup("g", "user"));
        var start = new SyncedKey("g--200", "user", "a");
        const string names = "or relname in ('vault', 'collection')";
        await CostsAsync(ledger, "vaults", 30, store => store.VaultsAsync("g", new("g--200", null, 10)), names);
        await CostsAsync(ledger, "vaults of a collection", 30, store => store.VaultsAsync("g", new("g--200", "user", 10)), names);
        // Four rows a record, twice: for the sizes of the first and for the page; then the names of the page again.
        await CostsAsync(ledger, "snapshot", 150, store => store.SnapshotAsync(group, new(0), start, 10, 1 << 20), names);
        await CostsAsync(ledger, "snapshot of a collection", 150, store => store.SnapshotAsync(users, new(0), start, 10, 1 << 20), names);
        // Every second position is of the group; each costs its names.
        await CostsAsync(ledger, "changes", 70, store => store.ChangesAsync(group, new(0), new(500), 10, 1 << 20), names);
    }

    /// <summary>Rows of facts and records that one read fetched, on a server process of its own that reports when it
    /// ends.</summary>
    private static async Task CostsAsync<T>(
        TestLedger ledger, string what, long rowsMax, Func<ILedgerStore, ValueTask<T>> read, string orTables = "")
    {
        await ledger.ExecuteAsync("select pg_stat_reset()");
        var options = ledger.Options with { OwnerConnectionString = null };
        await using (var store = await PostgresLedgerStore.OpenAsync(options)) await read(store);
        await UntilAsync(async () => await ledger.ScalarAsync<long>(
            "select count(*) from pg_stat_activity where application_name = 'sync' and datname = current_database()") == 0);
        var (rows, scanned, scans) = await TouchedAsync(ledger, orTables);
        scanned.ShouldBe(0, what);
        scans.ShouldBe(0, what);
        rows.ShouldBeInRange(1, rowsMax, what);
    }

    private static async Task<(long Rows, long Scanned, long Scans)> TouchedAsync(TestLedger ledger, string orTables)
    {
        await using var connection = new NpgsqlConnection(ledger.OwnerConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"""
            select coalesce(sum(idx_tup_fetch), 0)::bigint, coalesce(sum(seq_tup_read), 0)::bigint, coalesce(sum(seq_scan), 0)::bigint
            from pg_stat_user_tables where schemaname = 'sync' and (relname like 'fact%' or relname in ('record', 'idempotency') {orTables})
            """,
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
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
}

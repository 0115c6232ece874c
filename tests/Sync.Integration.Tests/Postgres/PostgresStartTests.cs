using Npgsql;
using Shouldly;
using Sync.Contracts;
using Sync.Ledger.Postgres;
using Sync.Testing;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>What a start refuses, and what it says then; and migrations.</summary>
public sealed class PostgresStartTests(PostgresDatabase database, PostgresFixture shared) : IClassFixture<PostgresDatabase>
{
    [Fact]
    public async Task A_database_without_a_ledger_is_refused_and_the_message_says_what_to_do()
    {
        var error = await RefusedAsync(new PostgresOptions { ConnectionString = await database.CreateDatabaseAsync() });
        error.Code.ShouldBe(SyncErrorCode.Invalid);
        error.Message.ShouldContain("run the migrations");
    }

    [Fact]
    public async Task A_role_without_rights_is_told_to_have_them_granted()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        var name = new NpgsqlConnectionStringBuilder(ledger.OwnerConnectionString).Database + "_stranger";
        await ledger.ExecuteAsync($"create role \"{name}\" login password 'canary-password'");
        var stranger = new NpgsqlConnectionStringBuilder(ledger.OwnerConnectionString) { Username = name, Password = "canary-password" };
        var error = await RefusedAsync(new PostgresOptions { ConnectionString = stranger.ConnectionString });
        error.Message.ShouldContain("may not read the schema sync");
        error.ToString().ShouldNotContain("canary-password");
    }

    [Fact]
    public async Task A_newer_schema_is_refused_by_starts_and_by_migrations()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        await ledger.ExecuteAsync("insert into sync.migration (version, name) values (9999, 'of the future')");
        (await RefusedAsync(ledger.Options with { OwnerConnectionString = null })).Message.ShouldContain("9999");
        (await Should.ThrowAsync<SyncException>(() => PostgresMigrations.RunAsync(ledger.Options))).Message.ShouldContain("newer");
    }

    [Fact]
    public async Task Migrations_run_by_many_at_once_and_again_run_once()
    {
        var options = new PostgresOptions { ConnectionString = await database.CreateDatabaseAsync() };
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => PostgresMigrations.RunAsync(options))));
        runs.SelectMany(run => run).Order().ShouldBe(Enumerable.Range(1, PostgresMigrations.Version));
        (await PostgresMigrations.RunAsync(options)).ShouldBeEmpty();
        await using var first = await PostgresLedgerStore.OpenAsync(options with { Feeds = 3 });
        await using var second = await PostgresLedgerStore.OpenAsync(options);
        first.Info.Feeds.ShouldBe(8);
        second.Info.ShouldBe(first.Info);
        first.Info.History.Value.ShouldBeInRange(1, (1L << 53) - 1);
    }

    [Fact]
    public async Task A_ledger_from_before_shapes_gets_them_from_its_facts()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Append(new("acme", "event", "1")), Put(User("a")), Delete(User("a")));
        await ledger.ExecuteAsync("""
            alter table sync.collection drop column shape;
            drop function sync.commit_one;
            drop function sync.fence(smallint, bigint, text, bigint, bigint, bigint, bytea, bigint, interval);
            delete from sync.migration where version >= 2
            """);
        (await PostgresMigrations.RunAsync(ledger.Options)).ShouldBe([2, 3, 4]);
        await using var again = await ledger.OpenAnotherAsync();
        var loaded = await again.LoadAsync(driver.Lease.Feed, new([], [new("acme", "event"), new("acme", "user")], []));
        loaded.Collections.Select(state => state.Shape).ShouldBe([CollectionShape.History, CollectionShape.Store]);
    }

    [Fact]
    public async Task Another_encoding_than_UTF8_is_refused()
    {
        var server = await shared.ServerAsync();
        var name = "ascii_" + Guid.NewGuid().ToString("N");
        await ExecuteAsync(server.AdminConnectionString, $"create database {name} encoding 'SQL_ASCII' template template0");
        var settings = new NpgsqlConnectionStringBuilder(server.AdminConnectionString) { Database = name };
        (await RefusedAsync(new PostgresOptions { ConnectionString = settings.ConnectionString })).Message.ShouldContain("UTF8");
        await ExecuteAsync(server.AdminConnectionString, $"drop database {name} with (force)");
    }

    [Fact]
    public async Task Asynchronous_commits_are_refused_however_they_were_switched_on()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        var name = new NpgsqlConnectionStringBuilder(ledger.OwnerConnectionString).Database;
        await ledger.ExecuteAsync($"alter database {name} set synchronous_commit = off");
        (await RefusedAsync(ledger.Options with { OwnerConnectionString = null })).Message.ShouldContain("synchronous_commit is off");
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    public async Task A_server_that_may_lose_commits_is_refused(string setting)
    {
        await using var server = await PostgresServer.CreateAsync(new PostgresServerOptions
        {
            Settings = new Dictionary<string, string>(StringComparer.Ordinal) { [setting] = "off" },
        });
        var error = await RefusedAsync(new PostgresOptions { ConnectionString = await server.CreateDatabaseAsync("unsafe") });
        error.Code.ShouldBe(SyncErrorCode.Invalid);
        error.Message.ShouldContain($"{setting} is off");
    }

    [Fact]
    public async Task A_standby_is_refused_and_what_was_promoted_must_be_adopted()
    {
        await using var server = await PostgresServer.CreateAsync();
        await using var ledger = await TestLedger.CreateAsync(await server.CreateDatabaseAsync("standby"));
        var history = ledger.Store.Info.History;
        await server.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(server.DataFolder, "standby.signal"), "");
        await server.StartAsync();

        var runtime = ledger.Options with { OwnerConnectionString = null };
        var standby = await RefusedAsync(runtime);
        standby.Message.ShouldContain("recovery");
        standby.IsTransient.ShouldBeTrue();

        await ExecuteAsync(server.AdminConnectionString, "select pg_promote(true, 60)");
        await ExecuteAsync(server.AdminConnectionString, "checkpoint");
        (await RefusedAsync(runtime)).Message.ShouldContain("adopt");
        (await PostgresMaintenance.AdoptAsync(ledger.Options, keepHistory: true)).ShouldBe(history);
        await using var kept = await PostgresLedgerStore.OpenAsync(runtime);
        kept.Info.History.ShouldBe(history);
        (await PostgresMaintenance.AdoptAsync(ledger.Options, keepHistory: false)).ShouldNotBe(history);
    }

    [Fact]
    public async Task What_the_docs_say_to_run_after_a_restore_lets_writers_start_with_a_new_history()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        var history = ledger.Store.Info.History;
        var runtime = ledger.Options with { OwnerConnectionString = null };
        await ledger.ExecuteAsync("update sync.ledger set system_identifier = system_identifier + 1");
        (await RefusedAsync(runtime)).Message.ShouldContain("restored or promoted");

        var docs = await File.ReadAllTextAsync(RepoRoot.Combine("docs/OPERATIONS.md"));
        await ledger.ExecuteAsync(docs.Split("```sql")[1].Split("```")[0]);
        await using var adopted = await PostgresLedgerStore.OpenAsync(runtime);
        adopted.Info.History.ShouldNotBe(history);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_a_passing_failure()
    {
        var options = new PostgresOptions { ConnectionString = $"Host=127.0.0.1;Port={Ports.Free()};Username=u;Password=canary-password" };
        var error = await RefusedAsync(options);
        error.Code.ShouldBe(SyncErrorCode.LedgerUnavailable);
        error.IsTransient.ShouldBeTrue();
        error.ToString().ShouldNotContain("canary-password");
    }

    [Fact]
    public void Wrong_options_are_named_with_value_range_and_unit()
    {
        var error = Should.Throw<SyncException>(new PostgresOptions
        {
            ConnectionString = "Host=db;Password=canary-password;Nonsense=1",
            Feeds = 0,
            ConnectionsMax = 1,
            LockTimeout = TimeSpan.Zero,
        }.Validate);
        error.Message.ShouldContain("Sync:Postgres:Feeds is 0; must be 1..1024 feeds");
        error.Message.ShouldContain("Sync:Postgres:ConnectionsMax is 1; must be 2..1000 connections");
        error.Message.ShouldContain("Sync:Postgres:LockTimeout is 00:00:00; must be 10..600000 milliseconds");
        error.Message.ShouldContain("ConnectionString cannot be read");
        error.Message.ShouldNotContain("canary-password");
    }

    [Fact]
    public async Task A_vault_is_pinned_before_its_first_fact_and_never_after()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync());
        var elsewhere = new FeedId((Feeds.Of("acme", 4).Value + 1) % 4);
        await PostgresMaintenance.PinVaultAsync(ledger.Options, "acme", elsewhere);
        (await ledger.Store.FeedOfAsync("acme")).ShouldBe(elsewhere);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a")));
        await Should.ThrowAsync<SyncException>(() => PostgresMaintenance.PinVaultAsync(ledger.Options, "acme", new FeedId(0)));
        await Should.ThrowAsync<SyncException>(() => PostgresMaintenance.PinVaultAsync(ledger.Options, "new", new FeedId(4)));
        var wrongFeed = await StoreDriver.TryAcquireAsync(ledger.Store, Feeds.Of("acme", 4), "two", TimeSpan.FromMinutes(1));
        var group = await wrongFeed!.GroupAsync(Put(User("b")));
        (await wrongFeed.TryCommitAsync(group)).ShouldBeOfType<Sync.Ledger.CommitOutcome.DataError>().Detail.ShouldContain("belongs to feed");
    }

    private static Task<SyncException> RefusedAsync(PostgresOptions options) =>
        Should.ThrowAsync<SyncException>(() => PostgresLedgerStore.OpenAsync(options));

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        // Making or dropping a database waits for a checkpoint.
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }
}

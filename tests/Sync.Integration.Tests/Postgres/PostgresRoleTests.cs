using Npgsql;
using Shouldly;
using Sync.Testing.Ledger;
using Sync.Testing.Postgres;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>The runtime role has what a writer needs and nothing that changes the past. Tried with the role itself:
/// the owner and a superuser may everything.</summary>
public sealed class PostgresRoleTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private static readonly string[] Forbidden =
    [
        "update sync.fact set value = ''", "delete from sync.fact", "truncate sync.fact",
        "update sync.fact_0 set value = ''", "delete from sync.fact_0_1", "insert into sync.fact_0_1 select * from sync.fact",
        "truncate sync.feed", "delete from sync.feed", "insert into sync.feed (feed) values (99)",
        "update sync.ledger set history = 1", "delete from sync.record", "update sync.vault set feed = 1", "delete from sync.vault",
        "update sync.idempotency set position = 1", "insert into sync.migration (version, name) values (99, 'x')",
        "create table sync.mine (a int)", "drop table sync.fact", "alter table sync.fact add column more int",
        "alter table sync.fact disable trigger all", "create index on sync.fact (time)",
        "create or replace function sync.fence(matched bigint) returns void language sql as 'select'",
        "alter function sync.fence(smallint, bigint, text, bigint, bigint, bigint, bytea, bigint, interval) rename to open",
        "drop schema sync cascade", "create table public.mine (a int)", "create extension dblink", "create role other superuser",
        "copy sync.fact to program 'cat'", "copy sync.fact to '/dev/null'", "select pg_read_file('postgresql.conf')",
        "select pg_ls_dir('.')", "select lo_import('/etc/passwd')", "set session authorization postgres",
        "alter system set fsync = off", "select pg_terminate_backend(pg_backend_pid()) from pg_stat_file('base')",
    ];

    [Fact]
    public async Task The_runtime_role_is_refused_whatever_changes_the_past_the_tables_or_the_server()
    {
        await using var ledger = await TestLedger.CreateAsync(await database.CreateDatabaseAsync(), feeds: 1);
        var driver = await StoreDriver.AcquireAsync(ledger.Store);
        await driver.WriteAsync(Put(User("a"), "1", "k"));
        await using var connection = new NpgsqlConnection(ledger.Options.ConnectionString);
        await connection.OpenAsync();
        foreach (var statement in Forbidden)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            var error = await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(), statement);
            error.SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, statement);
        }
        (await LedgerChecker.CheckAsync(ledger.Store)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_reading_role_reads_and_does_nothing_else()
    {
        var owner = await database.CreateDatabaseAsync();
        await using var ledger = await TestLedger.CreateAsync(owner, feeds: 1, options => options with { ReadRole = "reader_" + Database(owner) });
        await ledger.ExecuteAsync($"create role \"reader_{Database(owner)}\" login password 'reader'");
        await Sync.Ledger.Postgres.PostgresMigrations.RunAsync(ledger.Options);
        var settings = new NpgsqlConnectionStringBuilder(owner) { Username = "reader_" + Database(owner), Password = "reader" };
        await using var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        await using (var read = new NpgsqlCommand("select count(*) from sync.head", connection))
            (await read.ExecuteScalarAsync()).ShouldBe(0L);
        foreach (var statement in (string[])["insert into sync.idempotency values (1, gen_random_uuid(), 1)", "update sync.feed set position = 9"])
        {
            await using var write = new NpgsqlCommand(statement, connection);
            (await Should.ThrowAsync<PostgresException>(() => write.ExecuteNonQueryAsync()))
                .SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
        }
    }

    private static string? Database(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Database;
}

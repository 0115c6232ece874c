using Npgsql;
using Shouldly;
using Sync.Testing;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Infra;

/// <summary>infra/postgres/roles.sql gives each role what it needs before any migration ran, and no more.</summary>
public sealed class ShippedRolesTests : IAsyncLifetime
{
    private PostgresServer? _server;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.CreateAsync();
        await RunRolesAsync();
    }

    public async ValueTask DisposeAsync() => await _server!.DisposeAsync();

    [Fact]
    public async Task The_owner_makes_tables_and_the_runtime_and_the_reader_do_not()
    {
        await ExecuteAsync("sync_owner", "create table made (id int)");

        (await RefusalAsync("sync_runtime", "create table runtime_made (id int)")).ShouldBe("42501");
        (await RefusalAsync("sync_reader", "set transaction read write; create table reader_made (id int)"))
            .ShouldBe("42501");
    }

    [Theory]
    [InlineData("select * from made")]
    [InlineData("insert into made values (1)")]
    [InlineData("drop table made")]
    [InlineData("alter table made add column x int")]
    [InlineData("truncate made")]
    [InlineData("create schema mine")]
    [InlineData("create temporary table t (id int)")]
    [InlineData("create role other superuser")]
    [InlineData("alter role sync_runtime superuser")]
    [InlineData("copy (select 1) to program 'true'")]
    [InlineData("select pg_read_file('postgresql.conf')")]
    [InlineData("select * from pg_authid")]
    public async Task The_runtime_may_not_without_a_grant_of_the_migration(string sql)
    {
        await ExecuteAsync("sync_owner", "create table made (id int)");

        (await RefusalAsync("sync_runtime", sql)).ShouldBe("42501");
    }

    [Fact]
    public async Task A_reader_starts_in_read_only_transactions()
    {
        await ExecuteAsync("sync_owner", "create table made (id int); grant insert on made to sync_reader");

        (await RefusalAsync("sync_reader", "insert into made values (1)")).ShouldBe("25006");
    }

    [Fact]
    public async Task Running_the_script_again_changes_the_passwords_and_keeps_the_data()
    {
        await ExecuteAsync("sync_owner", "create table made (id int)");

        await RunRolesAsync("second");

        (await RefusalAsync("sync_owner", "select 1")).ShouldBe("28P01");
        await ExecuteAsync("sync_owner", "insert into made values (1)", "second");
    }

    private Task<string> RunRolesAsync(string password = "first") => _server!.RunScriptAsync(
        RepoRoot.Combine("infra/postgres/roles.sql"),
        new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["SYNC_OWNER_PASSWORD"] = password,
            ["SYNC_RUNTIME_PASSWORD"] = password,
            ["SYNC_READER_PASSWORD"] = password,
        });

    private async Task ExecuteAsync(string role, string sql, string password = "first")
    {
        var connection = new NpgsqlConnectionStringBuilder(_server!.AdminConnectionString)
        {
            Database = "sync",
            Username = role,
            Password = password,
        };
        await using var session = new NpgsqlConnection(connection.ConnectionString);
        await session.OpenAsync();
        await using NpgsqlCommand command = session.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private async Task<string> RefusalAsync(string role, string sql) =>
        (await Should.ThrowAsync<PostgresException>(() => ExecuteAsync(role, sql))).SqlState;
}

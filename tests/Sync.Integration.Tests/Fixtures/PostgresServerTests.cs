using Npgsql;
using Shouldly;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Fixtures;

/// <summary>What other tests rely on when they hurt a Postgres of their own.</summary>
public sealed class PostgresServerTests
{
    [Fact]
    public async Task What_was_committed_before_a_kill_is_there_after_the_restart_on_the_same_port()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync();
        string database = await server.CreateDatabaseAsync("kept");
        int port = server.Port;
        await ExecuteAsync(database, "create table t (id int); insert into t select generate_series(1, 100)");

        await server.KillAsync();
        await Should.ThrowAsync<NpgsqlException>(() => ScalarAsync(database, "select 1"));
        await server.StartAsync();

        server.Port.ShouldBe(port);
        (await ScalarAsync(database, "select count(*) from t")).ShouldBe(100L);
    }

    [Fact]
    public async Task A_server_killed_under_an_open_transaction_starts_again_without_it()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync();
        string database = await server.CreateDatabaseAsync("open");
        await ExecuteAsync(database, "create table t (id int)");
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await using (NpgsqlCommand insert = connection.CreateCommand())
        {
            insert.CommandText = "insert into t values (1)";
            await insert.ExecuteNonQueryAsync();
        }

        await server.KillAsync();
        await server.StartAsync();
        await server.KillAsync();
        await server.StartAsync();

        (await ScalarAsync(database, "select count(*) from t")).ShouldBe(0L);
    }

    [Fact]
    public async Task A_paused_server_answers_only_after_it_continues()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync();
        string database = await server.CreateDatabaseAsync("paused");
        await ScalarAsync(database, "select 1");

        server.Pause();
        Task<object?> asked = ScalarAsync(database, "select 2");
        await Should.ThrowAsync<TimeoutException>(() => asked.WaitAsync(TimeSpan.FromMilliseconds(300)));
        server.Continue();

        (await asked).ShouldBe(2);
    }

    [Fact]
    public async Task A_stopped_server_is_as_durable_as_production_and_starts_again()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync();

        await server.StopAsync();
        await server.StartAsync();

        foreach (string setting in (string[])["fsync", "full_page_writes", "synchronous_commit", "data_checksums"])
        {
            (await ScalarAsync(server.AdminConnectionString, $"show {setting}")).ShouldBe("on", setting);
        }
    }

    [Fact]
    public async Task A_database_made_from_a_template_has_its_tables_and_does_not_share_its_rows()
    {
        await using PostgresServer server = await PostgresServer.CreateAsync();
        string template = await server.CreateDatabaseAsync("template");
        string name = new NpgsqlConnectionStringBuilder(template).Database!;
        await ExecuteAsync(template + ";Pooling=false", "create table t (id int); insert into t values (1)");

        string copy = await server.CreateDatabaseAsync("copy", name);
        await ExecuteAsync(copy, "insert into t values (2)");

        (await ScalarAsync(copy, "select count(*) from t")).ShouldBe(2L);
        (await ScalarAsync(template, "select count(*) from t")).ShouldBe(1L);
    }

    private static async Task ExecuteAsync(string database, string sql) => await ScalarAsync(database, sql);

    private static async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        return await command.ExecuteScalarAsync();
    }
}

using Npgsql;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Testing.Postgres;

namespace Sync.Integration.Tests.Postgres;

/// <summary>A ledger in a database of its own, opened under the runtime role of that database.</summary>
internal sealed class TestLedger : IAsyncDisposable
{
    private TestLedger(string owner, PostgresOptions options, PostgresLedgerStore store)
    {
        OwnerConnectionString = owner;
        Options = options;
        Store = store;
    }

    internal string OwnerConnectionString { get; }

    internal PostgresOptions Options { get; }

    internal PostgresLedgerStore Store { get; }

    internal static async Task<TestLedger> CreateAsync(string owner, int feeds = 4, Func<PostgresOptions, PostgresOptions>? with = null)
    {
        // Pools of databases that come and go would hold the server's connections.
        owner = new NpgsqlConnectionStringBuilder(owner) { Pooling = false }.ConnectionString;
        var runtime = await RuntimeAsync(owner);
        var options = new PostgresOptions
        {
            ConnectionString = runtime.ConnectionString,
            OwnerConnectionString = owner,
            Feeds = feeds,
            RuntimeRole = runtime.Username!,
            // Bounds of failures only: a busy machine must not reach them.
            ConnectTimeout = TimeSpan.FromSeconds(30),
            StatementTimeout = TimeSpan.FromSeconds(60),
            LockTimeout = TimeSpan.FromSeconds(30),
        };
        options = with?.Invoke(options) ?? options;
        return new TestLedger(owner, options, await PostgresLedgerStore.OpenAsync(options));
    }

    /// <summary>One more process's view of the same ledger, without the owner's connection string.</summary>
    internal Task<PostgresLedgerStore> OpenAnotherAsync() =>
        PostgresLedgerStore.OpenAsync(Options with { OwnerConnectionString = null });

    internal async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(OwnerConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(OwnerConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => Store.DisposeAsync();

    private static async Task<NpgsqlConnectionStringBuilder> RuntimeAsync(string owner)
    {
        var builder = new NpgsqlConnectionStringBuilder(owner);
        // Roles belong to the server, which other databases share: one for each.
        builder.Username = "runtime_" + builder.Database;
        builder.Password = Guid.NewGuid().ToString("N");
        await using var connection = new NpgsqlConnection(owner);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"create role \"{builder.Username}\" login password '{builder.Password}'", connection);
        await command.ExecuteNonQueryAsync();
        return builder;
    }
}

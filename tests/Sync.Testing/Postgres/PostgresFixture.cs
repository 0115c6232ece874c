using Xunit;

namespace Sync.Testing.Postgres;

/// <summary>
/// One server for all tests of an assembly, started when the first test asks for it. Declared once per test
/// assembly: <c>[assembly: AssemblyFixture(typeof(PostgresFixture))]</c>.
/// </summary>
/// <remarks>Safe for concurrent use: the one task that starts the server is made under a lock.</remarks>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private Task<PostgresServer>? _server;

    /// <summary>The shared server. Not to be killed, paused or stopped.</summary>
    public Task<PostgresServer> ServerAsync()
    {
        lock (_gate)
        {
            return _server ??= PostgresServer.CreateAsync();
        }
    }

    /// <summary>Deletes the server if it was started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await (await _server).DisposeAsync();
        }
    }
}

/// <summary>
/// A database of its own for each test class, on the shared server: <c>IClassFixture&lt;PostgresDatabase&gt;</c>.
/// </summary>
public sealed class PostgresDatabase(PostgresFixture shared) : IAsyncLifetime
{
    private string? _connectionString;

    /// <summary>The superuser's connection string to this class's database.</summary>
    public string ConnectionString =>
        _connectionString ?? throw new InvalidOperationException("xunit has not initialised this fixture yet.");

    /// <summary>One more database, for a test that wants an empty one; returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync() =>
        await (await shared.ServerAsync()).CreateDatabaseAsync(NameOfClass());

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _connectionString = await CreateDatabaseAsync();

    /// <summary>Nothing to do: the server's end takes its databases along.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string NameOfClass() => TestContext.Current.TestClass?.TestClassSimpleName ?? "test";
}

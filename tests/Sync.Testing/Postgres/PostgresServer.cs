using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Sync.Testing.Processes;

namespace Sync.Testing.Postgres;

/// <summary>
/// A real Postgres for tests: started from the machine's binaries on a free loopback port in a temp folder, or the
/// one that SYNC_TEST_POSTGRES names (the connection string of a superuser).
/// </summary>
/// <remarks>
/// Start, stop, kill and delete go through one gate; databases may be created by many at once, as that is left to
/// Postgres. A test that kills, pauses or stops starts a server of its own: the shared one serves other tests too.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>Names a server to use in place of an own one.</summary>
    public const string EnvironmentVariable = "SYNC_TEST_POSTGRES";

    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(60);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly PostgresCluster? _cluster;
    private readonly string? _external;
    private readonly Lock _createdGate = new();
    private readonly List<string> _created = [];

    private PostgresServer(PostgresCluster? cluster, string? external)
    {
        _cluster = cluster;
        _external = external;
    }

    /// <summary>True for the server of the environment variable: it cannot be killed, paused or stopped.</summary>
    public bool IsExternal => _cluster is null;

    /// <summary>The superuser's connection string to the database "postgres"; no pooling.</summary>
    public string AdminConnectionString => ConnectionString("postgres", pooling: false);

    /// <summary>The loopback port, the same over all restarts.</summary>
    public int Port => new NpgsqlConnectionStringBuilder(AdminConnectionString).Port;

    /// <summary>False once an own server ended, by whatever cause.</summary>
    public bool IsRunning => Own.IsRunning;

    /// <summary>The folder of an own server's files, for tests that look into them.</summary>
    public string DataFolder => Own.DataFolder;

    private PostgresCluster Own => _cluster ?? throw new InvalidOperationException(
        $"This test must kill, pause or stop its Postgres, and {EnvironmentVariable} names one that is not ours to "
        + "stop. Unset the variable, so that the test starts its own.");

    /// <summary>A new own server, ready for connections; or the external one when the variable is set.</summary>
    public static async Task<PostgresServer> CreateAsync(PostgresServerOptions? options = null)
    {
        if (Environment.GetEnvironmentVariable(EnvironmentVariable) is { Length: > 0 } external)
        {
            return new PostgresServer(null, external);
        }

        PostgresCluster cluster = await PostgresCluster.InitializeAsync(options ?? new PostgresServerOptions());
        var server = new PostgresServer(cluster, null);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts a killed or stopped server on its port and data, and waits until it answers a query.</summary>
    public Task StartAsync() => OneAtATimeAsync(async () =>
    {
        var clock = Stopwatch.StartNew();
        Own.Launch();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        while (!await AnswersAsync())
        {
            if (clock.Elapsed > StartMax)
            {
                throw new TimeoutException(Own.Postmaster.Failure($"is not ready after {StartMax}").Message);
            }

            if (!Own.IsRunning)
            {
                await RelaunchOverStaleLockAsync();
            }

            await tick.WaitForNextTickAsync();
        }
    });

    /// <summary>kill -9 of the postmaster and all its children at once; returns when they are gone.</summary>
    public Task KillAsync() => OneAtATimeAsync(() => Own.KillAsync());

    /// <summary>Stops it in order: fast (clean), or immediate (recovery at the next start).</summary>
    public Task StopAsync(bool immediate = false) => OneAtATimeAsync(() => Own.StopAsync(immediate));

    /// <summary>SIGSTOP of all its processes: connections stay, nothing answers.</summary>
    public void Pause() => Own.Postmaster.Pause();

    /// <summary>SIGCONT: undoes <see cref="Pause"/>.</summary>
    public void Continue() => Own.Postmaster.Continue();

    /// <summary>The processes below the postmaster, each with its title ("postgres: walwriter").</summary>
    public IReadOnlyList<(int Id, string Title)> Processes() =>
        [.. ProcessSignals.Children(Own.Postmaster.Id).Select(id => (id, ProcessSignals.Title(id)))];

    /// <summary>A new database; returns the superuser's connection string to it.</summary>
    /// <param name="name">The start of its name; a random end keeps runs on one server apart.</param>
    /// <param name="template">A database to copy, to which nobody may be connected; null: an empty one.</param>
    public async Task<string> CreateDatabaseAsync(string name, string? template = null)
    {
        string start = new([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_').Take(48)]);
        string database = $"{start}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        await ExecuteAsync($"CREATE DATABASE {Quote(database)} TEMPLATE {Quote(template ?? "template0")}");
        lock (_createdGate)
        {
            _created.Add(database);
        }

        return ConnectionString(database, pooling: true);
    }

    /// <summary>Runs a script with the machine's psql, as the superuser in the database "postgres".</summary>
    /// <param name="file">The full path of the script.</param>
    /// <param name="environment">Variables that the script reads with \getenv.</param>
    /// <returns>What psql printed; its failure is an error that carries the same.</returns>
    public Task<string> RunScriptAsync(string file, IReadOnlyDictionary<string, string?> environment) =>
        RunAsync("psql", ["-X", "-d", "postgres", "-f", file], environment);

    /// <summary>Writes a database to a file as SQL, with the machine's pg_dump.</summary>
    /// <param name="database">The connection string to it.</param>
    /// <param name="file">The full path of the file.</param>
    public Task DumpAsync(string database, string file) => RunAsync(
        "pg_dump", ["-d", new NpgsqlConnectionStringBuilder(database).Database!, "-f", file],
        new Dictionary<string, string?>(StringComparer.Ordinal));

    /// <summary>Deletes an own server; drops the databases that were created on an external one.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            await OneAtATimeAsync(() => _cluster.DeleteAsync());
            return;
        }

        foreach (string database in _created)
        {
            await ExecuteAsync($"DROP DATABASE IF EXISTS {Quote(database)} WITH (FORCE)");
        }
    }

    private static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>
    /// Right after a kill the lock file of the killed postmaster still stands, and a start fails as long as the
    /// kernel knows its process id. Anything else that ends a postmaster is an error of the test.
    /// </summary>
    private async Task RelaunchOverStaleLockAsync()
    {
        string output = Own.Postmaster.Output;
        Exception failure = Own.Postmaster.Failure("ended while it started");
        await Own.ForgetAsync();
        if (!output.Contains("postmaster.pid", StringComparison.Ordinal)
            && !output.Contains("shared memory block", StringComparison.Ordinal))
        {
            throw failure;
        }

        Own.Launch();
    }

    private Task<string> RunAsync(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var server = new NpgsqlConnectionStringBuilder(AdminConnectionString);
        string port = server.Port.ToString(CultureInfo.InvariantCulture);
        return ServiceProcess.RunAsync(new(PostgresBinaries.Full(program))
        {
            Arguments = ["-h", server.Host!, "-p", port, "-U", server.Username!, .. arguments],
            Environment = new Dictionary<string, string?>(environment, StringComparer.Ordinal)
            {
                ["PGPASSWORD"] = server.Password,
            },
        });
    }

    private string ConnectionString(string database, bool pooling) =>
        new NpgsqlConnectionStringBuilder(_cluster?.ConnectionString(database) ?? _external)
        {
            Database = database,
            Pooling = pooling,
            Timeout = 30,
            CommandTimeout = 30,
        }.ConnectionString;

    private async Task<bool> AnswersAsync()
    {
        try
        {
            await ExecuteAsync("SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(AdminConnectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private async Task OneAtATimeAsync(Func<Task> action)
    {
        await _gate.WaitAsync();
        try
        {
            await action();
        }
        finally
        {
            _gate.Release();
        }
    }
}

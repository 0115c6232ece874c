using System.Globalization;
using Npgsql;
using Sync.ChaosTests.Faults;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Topology;

/// <summary>
/// The system under test: a Postgres, a nats-server, two writers with leases, two replica hosts, an Insight host; and the crew
/// around it that loads and watches. Every process is real and may be killed.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    /// <summary>Nothing was done to it yet: only a machine that is busy needs so long.</summary>
    private static readonly TimeSpan SetUpMax = TimeSpan.FromMinutes(2);

    private readonly WorldOptions _options;
    private MemoryLog? _memory;

    private World(WorldOptions options, PostgresServer postgres, NatsServer nats)
    {
        (_options, Postgres, Nats) = (options, postgres, nats);
        Crew = new Crew(options.Run, options.Seed);
    }

    public RunFolder Run => _options.Run;

    /// <summary>Of the load and the faults.</summary>
    public int Seed => _options.Seed;

    public PostgresServer Postgres { get; }

    public NatsServer Nats { get; }

    public SmallDisks? Disks => _options.Disks;

    /// <summary>The superuser's connection string to the ledger, past all faults.</summary>
    public string Ledger { get; private set; } = "";

    public Links Links { get; private set; } = null!;

    public IReadOnlyList<Node> Writers { get; private set; } = [];

    public IReadOnlyList<Node> Replicas { get; private set; } = [];

    public Node Insight { get; private set; } = null!;

    public Crew Crew { get; }

    /// <summary>What others leave of this machine.</summary>
    public MachinePace Pace { get; private set; } = null!;

    private IEnumerable<Node> Nodes => [.. Writers, .. Replicas, Insight];

    /// <summary>Starts all of it and waits until it is ready; the crew is not started.</summary>
    public static async Task<World> StartAsync(WorldOptions options, CancellationToken cancellation)
    {
        var world = new World(
            options, await PostgresServer.CreateAsync(options.Disks?.Postgres), await NatsServer.StartAsync(options.Broker));
        try
        {
            world.Ledger = await world.Postgres.CreateDatabaseAsync("chaos");
            world.MakeNodes();
            // One first: it makes the ledger, and the other would only wait for it.
            world.Writers[0].Start();
            await ReadyAsync([world.Writers[0]], SetUpMax, cancellation);
            foreach (var node in world.Nodes) node.Start();
            world._memory = new MemoryLog(options.Run, world.Nodes);
            world.Pace = new MachinePace(world.Nodes);
            await world.ReadyAsync(SetUpMax, cancellation);
            return world;
        }
        catch
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until every process answers that it serves, and returns how long that took.</summary>
    /// <exception cref="TimeoutException">Not within <paramref name="within"/>.</exception>
    public Task<TimeSpan> ReadyAsync(TimeSpan within, CancellationToken cancellation) => ReadyAsync(Nodes, within, cancellation);

    /// <summary>Of writers that run: the one that owns the feed of most load vaults.</summary>
    public async Task<int> BusyWriterAsync(CancellationToken cancellation)
    {
        var owners = await OwnersAsync(cancellation);
        int Feeds(int writer) => owners.Count(owner => IsOf(owner.Owner, Writers[writer]) && owner.Position > 0);
        return Feeds(1) > Feeds(0) ? 1 : 0;
    }

    /// <summary>Whether any feed belongs to this writer by a lease that has begun after the epochs given.</summary>
    public async Task<bool> HasTakenOverAsync(Node writer, IReadOnlyDictionary<int, long> epochs, CancellationToken cancellation) =>
        (await OwnersAsync(cancellation)).Any(owner => IsOf(owner.Owner, writer) && owner.Epoch > epochs[owner.Feed]);

    /// <summary>The epoch of each feed.</summary>
    public async Task<Dictionary<int, long>> EpochsAsync(CancellationToken cancellation) =>
        (await OwnersAsync(cancellation)).ToDictionary(owner => owner.Feed, owner => owner.Epoch);

    /// <summary>Runs one statement in the ledger, as the superuser, past all faults.</summary>
    public async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Whether Postgres answers a query in the ledger.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        try
        {
            await ExecuteAsync("select 1", cancellation);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>Starts Postgres and the writers again, and waits until they are ready.</summary>
    public async Task StartLedgerAsync(CancellationToken cancellation)
    {
        await Postgres.StartAsync();
        foreach (var writer in Writers) writer.Start();
        await ReadyAsync(Writers, TimeSpan.FromSeconds(30), cancellation);
    }

    /// <summary>Backends of Postgres that serve writers.</summary>
    public async Task<IReadOnlyList<int>> BackendsAsync(CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(
            "select pid from pg_stat_activity where application_name = 'sync' order by pid", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var pids = new List<int>();
        while (await reader.ReadAsync(cancellation)) pids.Add(reader.GetInt32(0));
        return pids;
    }

    /// <summary>The process of Postgres that writes its log beside the backends.</summary>
    public int WalWriter() => Postgres.Processes().First(process => process.Title.Contains("walwriter", StringComparison.Ordinal)).Id;

    /// <summary>A connection of the superuser to the ledger, past all faults.</summary>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var direct = new NpgsqlConnectionStringBuilder(Ledger) { Pooling = false, Timeout = 10, ApplicationName = "chaos" };
        var connection = new NpgsqlConnection(direct.ConnectionString);
        await connection.OpenAsync(cancellation);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await Crew.DisposeAsync();
        if (_memory is not null) await _memory.DisposeAsync();
        if (Pace is not null) await Pace.DisposeAsync();
        foreach (var node in Nodes) if (node is not null) await node.DisposeAsync();
        if (Links is not null) await Links.DisposeAsync();
        await File.AppendAllTextAsync(Run.Output("nats"), Nats.Log);
        await Nats.DisposeAsync();
        await Postgres.DisposeAsync();
    }

    private static async Task<TimeSpan> ReadyAsync(IEnumerable<Node> nodes, TimeSpan within, CancellationToken cancellation)
    {
        var start = MachineClock.Now;
        foreach (var node in nodes)
        {
            var rest = within - TimeSpan.FromMicroseconds(MachineClock.Now - start);
            if (!await Pauses.UntilAsync(() => node.IsReadyAsync(cancellation), rest, cancellation))
                throw new TimeoutException($"{node.Name} was not ready within {within.TotalSeconds:0} s");
        }
        return TimeSpan.FromMicroseconds(MachineClock.Now - start);
    }

    // A name in a lease is machine:process:suffix.
    private static bool IsOf(string owner, Node writer) =>
        owner.Contains(string.Create(CultureInfo.InvariantCulture, $":{writer.ProcessId}:"), StringComparison.Ordinal);

    private async Task<List<(int Feed, string Owner, long Epoch, long Position)>> OwnersAsync(CancellationToken cancellation)
    {
        await using var connection = await OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(
            "select feed, coalesce(lease_owner, ''), lease_epoch, position from sync.feed order by feed", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var owners = new List<(int, string, long, long)>();
        while (await reader.ReadAsync(cancellation))
            owners.Add((reader.GetInt16(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3)));
        return owners;
    }

    private void MakeNodes()
    {
        var urls = Enumerable.Range(0, 5).Select(_ => new Uri($"http://127.0.0.1:{Ports.Free()}")).ToArray();
        Links = Links.Start(Postgres.Port, Nats.Port, urls[3].Port, _options.Seed);
        Writers = [.. Enumerable.Range(0, 2).Select(n => Writer(n, urls[n]))];
        Replicas = [Replica(0, urls[2], Nats.Port), Replica(1, urls[3], Links.ReplicaNats.Port)];
        Insight = Make("insight", "Sync.InsightHost", urls[4], new(StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__InsightHost__Urls"] = urls[4].ToString(),
            ["Sync__InsightHost__WriterUrls__0"] = urls[0].ToString(),
            ["Sync__InsightHost__WriterUrls__1"] = urls[1].ToString(),
            ["Sync__InsightHost__Derivations__0__Name"] = "counts",
            ["Sync__InsightHost__Derivations__0__Kind"] = "counts",
            ["Sync__InsightHost__Derivations__0__Group"] = Load.Group,
            ["Sync__InsightHost__Derivations__0__Collection"] = Load.Collection,
            ["Sync__InsightHost__Derivations__0__TargetVault"] = "insight",
            ["Sync__InsightHost__Derivations__0__TargetCollection"] = "counts",
            ["Sync__Nats__Url"] = Broker(Links.InsightNats.Port),
        });
    }

    private Node Writer(int n, Uri url)
    {
        var ledger = new NpgsqlConnectionStringBuilder(Ledger) { Port = Links.WriterPostgres[n].Port }.ConnectionString;
        return Make(Name("writer", n), "Sync.Writer", url, new(StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__Writer__Urls"] = url.ToString(),
            ["Sync__Postgres__ConnectionString"] = ledger,
            ["Sync__Postgres__MigratorConnectionString"] = ledger,
            ["Sync__Nats__Url"] = Broker(Links.WriterNats[n].Port),
        });
    }

    private Node Replica(int n, Uri url, int nats) =>
        Make(Name("replica", n), "Sync.ReplicaHost", url, new(StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__ReplicaHost__Urls"] = url.ToString(),
            ["Sync__ReplicaHost__Follow__0__Group"] = Load.Group,
            ["Sync__Nats__Url"] = Broker(nats),
        });

    private Node Make(string name, string service, Uri url, Dictionary<string, string?> settings)
    {
        var clock = _options.Clocks && service != "Sync.InsightHost" ? Path.Combine(Run.Path, name + ".clock") : null;
        if (clock is not null)
        {
            File.WriteAllText(clock, "+0");
            settings["LD_PRELOAD"] = Catalogue.FakeTime;
            settings["FAKETIME_TIMESTAMP_FILE"] = clock;
            settings["FAKETIME_CACHE_DURATION"] = "1";
            settings["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
        }
        return new Node(name, service, settings, Run) { Url = url, ClockFile = clock };
    }

    // Numbered from one, as people do.
    private static string Name(string kind, int n) => string.Create(CultureInfo.InvariantCulture, $"{kind}-{n + 1}");

    private static string Broker(int port) => string.Create(CultureInfo.InvariantCulture, $"nats://127.0.0.1:{port}");
}

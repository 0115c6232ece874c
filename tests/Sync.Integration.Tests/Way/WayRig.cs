using System.Text.Json;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Testing.Ledger;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Sync.Transport;

namespace Sync.Integration.Tests.Way;

/// <summary>The whole way on servers and processes of its own, so that a test may kill any of them.</summary>
internal sealed class WayRig : IAsyncDisposable
{
    private readonly List<ServiceProcess> _processes = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-way-").FullName;
    private string _database = "";

    private WayRig(PostgresServer postgres, NatsServer nats) => (Postgres, Nats) = (postgres, nats);

    public PostgresServer Postgres { get; }

    public NatsServer Nats { get; }

    /// <summary>The superuser's connection string to the ledger.</summary>
    public string Database => _database;

    public BusOptions Broker => new() { Url = Nats.Url };

    public static async Task<WayRig> StartAsync()
    {
        var rig = new WayRig(await PostgresServer.CreateAsync(), await NatsServer.StartAsync());
        await rig.Postgres.StartAsync();
        rig._database = await rig.Postgres.CreateDatabaseAsync("way");
        return rig;
    }

    /// <summary>Starts a writer process and waits until it is ready.</summary>
    public async Task<WriterProcess> StartWriterAsync(int? port = null)
    {
        var url = new Uri($"http://127.0.0.1:{port ?? Ports.Free()}");
        var process = ServiceProcess.Start(ServiceStart.Service("Sync.Writer") with
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Sync__Access__Open"] = "true",
                ["Sync__Writer__Urls"] = url.ToString(),
                ["Sync__Postgres__ConnectionString"] = _database,
                ["Sync__Postgres__MigratorConnectionString"] = _database,
                ["Sync__Nats__Url"] = Nats.Url,
            },
        });
        _processes.Add(process);
        await process.WaitForHttpOkAsync(new Uri(url, "/readyz"));
        return new WriterProcess(process, url);
    }

    public SyncClient Client(params WriterProcess[] writers) => new(
        new SyncClientOptions { Writers = [.. writers.Select(writer => writer.Url.ToString())], Producer = "test:load" }, Broker);

    /// <summary>Follows keys with replicas in a process of their own.</summary>
    public Follower Follow(WriterProcess writer, IReadOnlyCollection<SyncedKey> keys)
    {
        var (input, output) = (Path.Combine(_folder, "keys"), Path.Combine(_folder, "followed.ndjson"));
        File.WriteAllLines(input, keys.Select(key => key.ToString()));
        var watch = ServiceStart.Service("Sync.Cli", "sync");
        var arguments = $"dotnet '{watch.Arguments[0]}' watch --keys '{input}' --json";
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["SYNC_WRITER"] = writer.Url.ToString(),
            ["SYNC_NATS"] = Nats.Url,
        };
        return Start(arguments, output, environment, null);
    }

    /// <summary>Follows keys with the replica of <c>tests/consumers/node</c>: only the public packages.</summary>
    public async Task<Follower> FollowFromNodeAsync(IReadOnlyCollection<SyncedKey> keys)
    {
        var (input, output) = (Path.Combine(_folder, "node.json"), Path.Combine(_folder, "node.ndjson"));
        var settings = new { servers = Nats.Url, keys = keys.Select(key => new[] { key.Vault, key.Collection, key.Key }) };
        await File.WriteAllTextAsync(input, JsonSerializer.Serialize(settings));
        return Start($"node follow.mjs '{input}'", output, null, await NodeConsumer.FolderAsync());
    }

    // The output goes to a file: it may be more than a test keeps of a child's output.
    private Follower Start(string command, string output, Dictionary<string, string?>? environment, string? folder)
    {
        var process = ServiceProcess.Start(new ServiceStart("sh")
        {
            Arguments = ["-c", $"exec {command} > '{output}'"],
            Environment = environment ?? [],
            WorkingDirectory = folder,
        });
        _processes.Add(process);
        return new Follower(process, output);
    }

    /// <summary>Every fact of every feed, as a writer gives them; each feed's own rules are checked.</summary>
    public static async Task<IReadOnlyList<Fact>> FactsAsync(SyncClient client)
    {
        var (all, wrong) = (new List<Fact>(), new List<string>());
        foreach (var feed in (await client.Writer.StatusAsync()).Feeds)
        {
            var facts = new List<Fact>();
            await foreach (var fact in client.Writer.FactsAsync(new FeedId(feed.Feed), Position.Start.Next)) facts.Add(fact);
            LedgerChecker.CheckFacts(new FeedId(feed.Feed), facts, wrong);
            all.AddRange(facts);
        }
        wrong.ShouldBeEmpty();
        return all;
    }

    /// <summary>Starts a replica host that follows one collection of a group; it is ready when this returns.</summary>
    public async Task<GroupFollower> StartHostAsync(GroupInput input, int? port = null)
    {
        var url = new Uri($"http://127.0.0.1:{port ?? Ports.Free()}");
        var process = ServiceProcess.Start(ServiceStart.Service("Sync.ReplicaHost") with
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Sync__Access__Open"] = "true",
                ["Sync__ReplicaHost__Urls"] = url.ToString(),
                ["Sync__ReplicaHost__Follow__0__Group"] = input.Group,
                ["Sync__ReplicaHost__Follow__0__Collection"] = input.Collection,
                ["Sync__Nats__Url"] = Nats.Url,
            },
        });
        _processes.Add(process);
        await process.WaitForHttpOkAsync(new Uri(url, "/readyz"));
        return new GroupFollower(process, url);
    }

    /// <summary>Follows the same from <c>tests/consumers/node</c>: only the public packages.</summary>
    public async Task<GroupFollower> FollowGroupFromNodeAsync(GroupInput input)
    {
        var url = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var settings = Path.Combine(_folder, "group.json");
        await File.WriteAllTextAsync(settings, JsonSerializer.Serialize(
            new { servers = Nats.Url, group = input.Group, collection = input.Collection, port = url.Port }));
        var process = ServiceProcess.Start(new ServiceStart("node")
        {
            Arguments = ["group.mjs", settings],
            WorkingDirectory = await NodeConsumer.FolderAsync(),
        });
        _processes.Add(process);
        await process.WaitForHttpOkAsync(new Uri(url, "/v1/digests"));
        return new GroupFollower(process, url);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes) await process.DisposeAsync();
        await Nats.DisposeAsync();
        await Postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Who follows a group in a process of its own, and where it answers.</summary>
internal sealed record GroupFollower(ServiceProcess Process, Uri Url);

/// <summary>A writer in a process of its own.</summary>
internal sealed record WriterProcess(ServiceProcess Process, Uri Url);

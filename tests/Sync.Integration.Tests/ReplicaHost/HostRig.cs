using System.Text;
using System.Text.Json;
using Sync.Testing.Nats;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>One rig for all tests of a class; each test uses a group of its own.</summary>
public sealed class HostFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal HostRig Rig { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Rig = await HostRig.StartAsync(postgres);

    public ValueTask DisposeAsync() => Rig.DisposeAsync();
}

/// <summary>A database, a broker and a writer process, and as many replica host processes as a test starts.</summary>
internal sealed class HostRig : IAsyncDisposable
{
    private readonly List<HostProcess> _hosts = [];
    private readonly ServiceProcess _writer;

    private HostRig(NatsServer broker, ServiceProcess writer, int port)
    {
        (Broker, _writer) = (broker, writer);
        Writer = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
        };
    }

    public NatsServer Broker { get; }

    public HttpClient Writer { get; }

    public static async Task<HostRig> StartAsync(PostgresFixture postgres)
    {
        var database = await (await postgres.ServerAsync())
            .CreateDatabaseAsync("hosts_" + Guid.NewGuid().ToString("N")[..8]);
        var broker = await NatsServer.StartAsync();
        var port = Ports.Free();
        var writer = ServiceProcess.Start(ServiceStart.Service("Sync.Writer") with
        {
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["Sync__Access__Open"] = "true",
                ["Sync__Writer__Urls"] = $"http://127.0.0.1:{port}",
                ["Sync__Postgres__ConnectionString"] = database,
                ["Sync__Postgres__MigratorConnectionString"] = database,
                ["Sync__Nats__Url"] = broker.Url,
            },
        });
        var rig = new HostRig(broker, writer, port);
        await writer.WaitUntilAsync(
            async () => (await rig.ReadyTextAsync()).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal),
            "be ready");
        return rig;
    }

    /// <summary>Starts a replica host of a group and waits until it has loaded.</summary>
    public async Task<HostProcess> StartHostAsync(string group, params (string Name, string Value)[] settings)
    {
        var host = HostProcess.Start([("Nats__Url", Broker.Url), ("ReplicaHost__Follow__0__Group", group), .. settings]);
        _hosts.Add(host);
        await host.ReadyAsync();
        return host;
    }

    /// <summary>Commits lines of a batch; every one must be taken.</summary>
    public async Task BatchAsync(IEnumerable<string> lines)
    {
        using var body = new StringContent(string.Join('\n', lines) + "\n", Encoding.UTF8, "application/x-ndjson");
        using var response = await Writer.PostAsync("/v1/batch", body);
        foreach (var line in (await response.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (!JsonDocument.Parse(line).RootElement.TryGetProperty("factId", out _))
                throw new InvalidOperationException($"The writer refused a line: {line}");
    }

    public Task PutAsync(string vault, string collection, string key, string json) => BatchAsync(
        [$$"""{"vault":"{{vault}}","collection":"{{collection}}","key":"{{key}}","value":{{json}}}"""]);

    /// <summary>Waits until a host says of every collection what the writer says: count, position and digest.</summary>
    public async Task SameAsync(HostProcess host, string collection, params string[] vaults)
    {
        foreach (var vault in vaults)
        {
            var path = $"/v1/digests/{vault}/{collection}";
            var wanted = await Writer.GetStringAsync(path);
            await host.Process.WaitUntilAsync(
                async () => await host.TextAsync(path) == wanted, $"hold {vault}/{collection} as the writer: {wanted}");
        }
    }

    public async Task EndHostsAsync()
    {
        foreach (var host in _hosts) await host.DisposeAsync();
        _hosts.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await EndHostsAsync();
        Writer.Dispose();
        await _writer.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private async Task<string> ReadyTextAsync()
    {
        try
        {
            return await Writer.GetStringAsync("/readyz");
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }
}

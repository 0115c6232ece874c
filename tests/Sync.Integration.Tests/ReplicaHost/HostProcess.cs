using System.Net;
using System.Text.Json;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>A replica host process and a client that talks to it.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly (string Name, string Value)[] _settings;

    private HostProcess((string Name, string Value)[] settings, int port)
    {
        (_settings, Port) = (settings, port);
        Process = StartProcess();
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
        };
    }

    public int Port { get; }

    /// <summary>The group it follows.</summary>
    public string Group => _settings.First(setting => setting.Name == "ReplicaHost__Follow__0__Group").Value;

    public ServiceProcess Process { get; private set; }

    public HttpClient Http { get; }

    /// <summary>Starts one; settings are named as environment variables without <c>Sync__</c>.</summary>
    public static HostProcess Start((string Name, string Value)[] settings) => new(settings, Ports.Free());

    /// <summary>The same host again, after its process ended.</summary>
    public async Task StartAgainAsync()
    {
        await Process.DisposeAsync();
        Process = StartProcess();
        await ReadyAsync();
    }

    public Task ReadyAsync() => Process.WaitUntilAsync(
        async () => (await TextAsync("/readyz")).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal), "be ready");

    /// <summary>The body of an answer, whatever its status; empty when there is none.</summary>
    public async Task<string> TextAsync(string path)
    {
        try
        {
            using var response = await Http.GetAsync(path);
            return await response.Content.ReadAsStringAsync();
        }
        catch (HttpRequestException)
        {
            return "";
        }
    }

    public async Task<HttpStatusCode> StatusCodeAsync(string path)
    {
        using var response = await Http.GetAsync(path);
        return response.StatusCode;
    }

    public async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await TextAsync(path)).RootElement;

    /// <summary>The first scope of the status.</summary>
    public async Task<JsonElement> ScopeAsync() => (await JsonAsync("/v1/status")).GetProperty("scopes")[0];

    /// <summary>Memory of the process that is in use now.</summary>
    public long Megabytes()
    {
        using var process = System.Diagnostics.Process.GetProcessById(Process.Id);
        return process.WorkingSet64 >> 20;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Process.DisposeAsync();
    }

    private ServiceProcess StartProcess()
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__ReplicaHost__Urls"] = $"http://127.0.0.1:{Port}",
        };
        foreach (var (name, value) in _settings) environment["Sync__" + name] = value;
        return ServiceProcess.Start(ServiceStart.Service("Sync.ReplicaHost") with { Environment = environment });
    }
}

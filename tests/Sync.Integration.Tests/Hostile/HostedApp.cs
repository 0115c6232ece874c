using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Sync.Integration.Tests.Writer;

namespace Sync.Integration.Tests.Hostile;

/// <summary>A service in this process on a port of its own, and a client that talks to it.</summary>
internal sealed class HostedApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private HostedApp(WebApplication app)
    {
        _app = app;
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Port = address.Port;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
    }

    public int Port { get; }

    public HttpClient Http { get; }

    public static async Task<HostedApp> StartAsync(WebApplication app)
    {
        await app.StartAsync();
        return new HostedApp(app);
    }

    /// <summary>Waits until it is ready.</summary>
    public Task ReadyAsync() => WriterUnderTest.UntilAsync(async () =>
        (await TextAsync("/readyz")).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal));

    public async Task<string> TextAsync(string path) => (await GetAsync(path)).Text;

    public async Task<JsonElement> JsonAsync(string path) => JsonDocument.Parse(await TextAsync(path)).RootElement;

    public async Task<(HttpStatusCode Status, string Text)> GetAsync(string path)
    {
        using var response = await Http.GetAsync(path);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Sync.Writer;
using Sync.Writer.Engine;

namespace Sync.Integration.Tests.Writer;

/// <summary>A writer in this process on a port of its own, and a client that talks to it.</summary>
internal sealed class WriterUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WriterUnderTest(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Address };
    }

    public Uri Address { get; }

    public HttpClient Http { get; }

    public static async Task<WriterUnderTest> StartAsync(WriterParts? parts, params string[] settings)
    {
        var app = WriterHost.Build(
            ["--Sync:Writer:Urls=http://127.0.0.1:0", "--Sync:Access:Open=true", .. settings.Select(setting => "--Sync:" + setting)], parts);
        await app.StartAsync();
        var writer = new WriterUnderTest(app);
        await writer.ReadyAsync();
        return writer;
    }

    /// <summary>Waits until the writer is ready and its feeds have owners.</summary>
    public Task ReadyAsync() => UntilAsync(async () => (await GetAsync("/readyz"))
        .Text.Contains("\"status\":\"ready\",\"checks\"", StringComparison.Ordinal));

    /// <summary>Asks until it is so; 30 s is the failure bound.</summary>
    public static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await isSo()) await tick.WaitForNextTickAsync(limit.Token);
    }

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, "", headers);

    public Task<Answer> DeleteAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Delete, path, null, "", headers);

    public Task<Answer> PutAsync(string path, string json, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Put, path, Encoding.UTF8.GetBytes(json), "application/json", headers);

    public Task<Answer> BatchAsync(string lines, string query = "") =>
        SendAsync(HttpMethod.Post, "/v1/batch" + query, Encoding.UTF8.GetBytes(lines), "application/x-ndjson");

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, byte[]? body, string contentType, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(
            method, new Uri(Address.ToString().TrimEnd('/') + path,
                new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType.Length > 0) request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request);
        return new Answer(
            response.StatusCode, await response.Content.ReadAsByteArrayAsync(),
            response.Headers.Concat(response.Content.Headers).ToDictionary(
                header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>What came back.</summary>
internal sealed record Answer(HttpStatusCode Status, byte[] Body, IReadOnlyDictionary<string, string> Headers)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The lines of a stream of JSON objects.</summary>
    public IReadOnlyList<JsonElement> Lines =>
        Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)
            .ToArray();

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The stable code of a problem.</summary>
    public string Problem => ProblemOf(Json);

    public static string ProblemOf(JsonElement problem) => problem.GetProperty("type").GetString()!.Split(':')[^1];

    public long Number(string name) => Json.GetProperty(name).GetInt64();
}

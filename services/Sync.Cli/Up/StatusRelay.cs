using System.Text.Json;
using Sync.Cli.Status;

namespace Sync.Cli.Up;

/// <summary>The status of all services of the box in one answer, so that the page needs its own origin only. Many pages cost
/// the services no more than one: answers are shared and kept for a moment.</summary>
internal sealed class StatusRelay(BoxOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AskMax = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Lock _gate = new();
    private Task<byte[]>? _latest;
    private long _askedAt;

    public Task<byte[]> ReadAsync()
    {
        lock (_gate)
        {
            if (_latest is null || (_latest.IsCompleted && time.GetElapsedTime(_askedAt) > KeptFor))
                (_latest, _askedAt) = (AskAsync(), time.GetTimestamp());
            return _latest;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<byte[]> AskAsync()
    {
        var services = await Task.WhenAll(options.Services.Select(service =>
            ServiceStatus.AskAsync(_http, service.Name, BoxOptions.Url(service.Port), AskMax, CancellationToken.None)));
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            ServiceStatus.Write(json, services);
            json.WriteEndObject();
        }
        return body.ToArray();
    }
}

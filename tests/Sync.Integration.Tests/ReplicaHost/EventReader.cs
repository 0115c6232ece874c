using System.Text;
using System.Text.Json;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>Reads a stream as a browser does: one event at a time, 30 s at most for each.</summary>
internal sealed class EventReader(HttpResponseMessage response, StreamReader reader) : IAsyncDisposable
{
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    public HttpResponseMessage Response => response;

    public static async Task<EventReader> OpenAsync(HttpClient http, string path)
    {
        var response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        return new EventReader(response, new StreamReader(await response.Content.ReadAsStreamAsync(), Encoding.UTF8));
    }

    /// <summary>The next event; comments and blocks without an event are left out. Null = the stream ended.</summary>
    public async Task<(string Name, JsonElement Data)?> NextAsync()
    {
        using var limit = new CancellationTokenSource(WaitMax);
        var (name, data) = ("", "");
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal)) data += line[6..];
            else if (line.Length == 0 && name.Length > 0) return (name, JsonDocument.Parse(data).RootElement);
        }
        return null;
    }

    /// <summary>All snapshot events up to <c>ready</c>: key and sequence of each record.</summary>
    public async Task<Dictionary<string, long>> SnapshotAsync()
    {
        var held = new Dictionary<string, long>(StringComparer.Ordinal);
        while (await NextAsync() is { } next && next.Name != "ready")
            foreach (var item in next.Data.GetProperty("items").EnumerateArray())
                held[KeyOf(item)] = item.GetProperty("sequence").GetInt64();
        return held;
    }

    /// <summary><c>vault/collection/key</c> of an event's data.</summary>
    public static string KeyOf(JsonElement data) =>
        $"{data.GetProperty("vault").GetString()}/{data.GetProperty("collection").GetString()}/"
        + data.GetProperty("key").GetString();

    public ValueTask DisposeAsync()
    {
        reader.Dispose();
        response.Dispose();
        return ValueTask.CompletedTask;
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Sync.Cli.Status;

/// <summary>What a service tells of itself at <c>/v1/status</c>, or why it does not.</summary>
/// <param name="Name">What kind of service: one of <see cref="ServiceNames"/>.</param>
/// <param name="Url">Its address.</param>
/// <param name="Status">What it told; null = <paramref name="Error"/> says why not.</param>
/// <param name="Error">One line.</param>
internal sealed record ServiceStatus(string Name, string Url, JsonElement? Status, string? Error)
{
    private const int AnswerBytesMax = 4 << 20;
    private static readonly TimeSpan AskMax = TimeSpan.FromSeconds(5);

    /// <summary>Asks all at once; whatever goes wrong with one is in its result.</summary>
    public static Task<ServiceStatus[]> AskAllAsync(HttpClient http, IEnumerable<ServiceAddress> addresses, CancellationToken stop) =>
        Task.WhenAll(addresses.Select(address => AskAsync(http, address.Name, address.Url, AskMax, stop)));

    /// <summary>Asks one service. Whatever goes wrong is in the result.</summary>
    public static async Task<ServiceStatus> AskAsync(HttpClient http, string name, string url, TimeSpan timeout, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(timeout);
        try
        {
            using var answer = await http.GetAsync(new Uri(new Uri(url), "/v1/status"), HttpCompletionOption.ResponseHeadersRead, limit.Token);
            await answer.Content.LoadIntoBufferAsync(AnswerBytesMax, limit.Token);
            if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                return new ServiceStatus(
                    name, url, null, $"answers {(int)answer.StatusCode}: give a token with the scope status (--token-file or SYNC_TOKEN)");
            if (answer.StatusCode != HttpStatusCode.OK)
                return new ServiceStatus(name, url, null, $"answers {(int)answer.StatusCode}: it is not ready, or no {name}");
            using var read = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(limit.Token));
            return new ServiceStatus(name, url, read.RootElement.Clone(), null);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ServiceStatus(name, url, null, $"no answer within {timeout.TotalSeconds:0.#} s; is it running?");
        }
        catch (Exception error) when (error is HttpRequestException or SocketException)
        {
            return new ServiceStatus(name, url, null, $"does not answer: {error.Message}; is it running?");
        }
        catch (Exception error) when (error is JsonException or UriFormatException)
        {
            return new ServiceStatus(name, url, null, $"is no {name}; is the address right?");
        }
    }

    /// <summary><c>{"services":[{name, url, status}, {name, url, error}]}</c>: of the command and of the box's page.</summary>
    public static void Write(Utf8JsonWriter json, IEnumerable<ServiceStatus> services)
    {
        json.WriteStartArray("services");
        foreach (var service in services)
        {
            json.WriteStartObject();
            json.WriteString("name", service.Name);
            json.WriteString("url", service.Url);
            if (service.Status is { } status)
            {
                json.WritePropertyName("status");
                status.WriteTo(json);
            }
            json.WriteString("error", service.Error);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}

/// <summary>The kinds of services.</summary>
internal static class ServiceNames
{
    public const string Writer = "writer";
    public const string ReplicaHost = "replica host";
    public const string InsightHost = "Insight host";
}

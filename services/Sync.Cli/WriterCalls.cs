using System.Net;
using System.Net.Http.Headers;
using Sync.Contracts;

namespace Sync.Cli;

/// <summary>Plain HTTP with the caller's token, for what the client library has no method for.</summary>
internal static class WriterCalls
{
    private const int AnswerBytesMax = 64 << 20;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>What asks: straight, only where it was told to, and with the caller's token.</summary>
    public static HttpClient Http(this Connection connection) => new(
        new TokenHandler(connection, new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }))
    {
        Timeout = System.Threading.Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = AnswerBytesMax,
    };

    /// <summary>Asks the writer.</summary>
    /// <exception cref="SyncException">It does not answer.</exception>
    public static async Task<(HttpStatusCode Status, byte[] Body)> AskWriterAsync(
        this Connection connection, HttpMethod method, string path, byte[]? body, CancellationToken stop)
    {
        if (!Uri.TryCreate(connection.Writer, UriKind.Absolute, out var writer) || writer.Scheme is not ("http" or "https"))
            throw new SyncException(SyncErrorCode.Invalid, $"--writer is '{connection.Writer}'; give an address such as http://127.0.0.1:5080");
        using var http = connection.Http();
        http.Timeout = Timeout;
        using var request = new HttpRequestMessage(method, new Uri(writer, path));
        if (body is not null)
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        try
        {
            using var response = await http.SendAsync(request, stop);
            return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(stop));
        }
        catch (Exception error) when (error is HttpRequestException || (error is TaskCanceledException && !stop.IsCancellationRequested))
        {
            throw new SyncException(SyncErrorCode.NoAnswer, $"the writer {writer} does not answer: {error.Message}; is it running?", true, error);
        }
    }

    private sealed class TokenHandler(Connection connection, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (connection.ReadToken() is not { } token) return base.SendAsync(request, cancellationToken);
            if (request.RequestUri is { Scheme: "http", IsLoopback: false } clear)
                throw new SyncException(SyncErrorCode.Invalid, $"the token would travel to {clear.Authority} in clear; use https");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (connection.Purpose is { } purpose) request.Headers.TryAddWithoutValidation("Sync-Purpose", purpose);
            return base.SendAsync(request, cancellationToken);
        }
    }
}

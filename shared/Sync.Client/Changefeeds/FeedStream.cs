using System.Net;
using Sync.Client.Internal;
using Sync.Client.Writes;
using Sync.Contracts;

namespace Sync.Client.Changefeeds;

/// <summary>One connection to <c>/v1/events</c> of one writer. Used by one loop.</summary>
internal sealed class FeedStream : IAsyncDisposable
{
    private const int BlockBytesMax = 96 << 20;
    private const int ProblemBytesMax = 64 << 10;

    private readonly HttpResponseMessage _response;
    private readonly Stream _body;
    private readonly TimeSpan _silenceMax;
    private readonly TimeProvider _time;
    private readonly EventBlocks _blocks = new(BlockBytesMax);
    private readonly byte[] _buffer = new byte[16 << 10];

    private FeedStream(HttpResponseMessage response, Stream body, TimeSpan silenceMax, TimeProvider time) =>
        (_response, _body, _silenceMax, _time, HeardAt) = (response, body, silenceMax, time, time.GetTimestamp());

    public TimeSpan? Retry => _blocks.Retry;

    /// <summary>When anything came last, also a heartbeat.</summary>
    public long HeardAt { get; private set; }

    /// <exception cref="SyncException">No answer, or a refusal; transient ones say so.</exception>
    public static async Task<FeedStream> OpenAsync(
        HttpClient http, Uri writer, FeedRequest wanted, TimeSpan silenceMax, TimeProvider time, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, PlainPath.On(writer, PathOf(wanted)));
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (wanted.After is { } cursor) request.Headers.TryAddWithoutValidation("Last-Event-ID", FeedCursor.ToText(cursor));
        return await WithinAsync(silenceMax, time, $"writer {writer} does not answer", async limit =>
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit).ConfigureAwait(false);
            try
            {
                if (response.StatusCode != HttpStatusCode.OK)
                    throw await RefusalAsync(writer, response, limit).ConfigureAwait(false);
                if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
                    throw new SyncException(
                        SyncErrorCode.Corrupt, $"what answers at {writer} is not a Sync writer; is the address right?");
                var body = await response.Content.ReadAsStreamAsync(limit).ConfigureAwait(false);
                return new FeedStream(response, body, silenceMax, time);
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }, cancellation).ConfigureAwait(false);
    }

    /// <returns>Null when the stream ended.</returns>
    /// <exception cref="SyncException">It was lost (transient), or what came cannot be read.</exception>
    public async ValueTask<FeedEvent?> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            while (_blocks.TryTake(out var block))
                if (FeedBlocks.Read(block) is { } told) return told;
            var length = await WithinAsync(
                _silenceMax, _time, "the writer's stream fell silent",
                async limit => await _body.ReadAsync(_buffer, limit).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            if (length == 0) return null;
            HeardAt = _time.GetTimestamp();
            _blocks.Append(_buffer.AsSpan(0, length));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _body.DisposeAsync().ConfigureAwait(false);
        _response.Dispose();
    }

    private static async Task<T> WithinAsync<T>(
        TimeSpan bound, TimeProvider time, string failure, Func<CancellationToken, Task<T>> act, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(bound, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token);
        try
        {
            return await act(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (LostConnection.Is(error)
            || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            var reason = error is OperationCanceledException ? $"nothing came within {bound}" : error.Message;
            throw new SyncException(SyncErrorCode.NoAnswer, $"{failure}: {reason}", true, error);
        }
    }

    private static async Task<SyncException> RefusalAsync(Uri writer, HttpResponseMessage response, CancellationToken cancellation)
    {
        await response.Content.LoadIntoBufferAsync(ProblemBytesMax, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        var status = (int)response.StatusCode;
        var code = response.StatusCode == HttpStatusCode.BadRequest ? SyncErrorCode.Invalid : SyncErrorCode.Refused;
        return new SyncException(
            code, $"writer {writer} refuses: {BatchAnswer.ReadProblemDetail(body) ?? $"status {status}"}", status >= 500);
    }

    private static string PathOf(FeedRequest wanted)
    {
        var filter = wanted.Filter;
        var query = new List<string>(6);
        Add("feed", filter.Feed?.ToString());
        Add("vault", filter.Vault);
        Add("group", filter.Group);
        Add("collection", filter.Collection);
        if (wanted is { After: null, FromBeginning: true }) Add("from", "beginning");
        if (wanted.Policy == DeliveryPolicy.DropToLatest) Add("policy", "latest");
        return "/v1/events?" + string.Join('&', query);

        void Add(string name, string? value)
        {
            if (value is not null) query.Add($"{name}={Uri.EscapeDataString(value)}");
        }
    }
}

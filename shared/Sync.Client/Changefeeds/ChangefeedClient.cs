using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Client.Internal;
using Sync.Contracts;

namespace Sync.Client.Changefeeds;

/// <summary>The changefeed of a ledger over HTTP, from whichever writer answers. A lost connection is made again behind the last
/// item, by itself, so a reader sees one unbroken run. Safe from any thread; each read has a connection of its own.</summary>
public sealed class ChangefeedClient : IChangefeed, IDisposable
{
    private readonly HttpClient _http;
    private readonly SyncClientOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger<ChangefeedClient> _log;

    /// <summary>Connects when something is read.</summary>
    /// <param name="options">Where the writers are, and the limits.</param>
    /// <param name="log">Null = nowhere.</param>
    /// <param name="time">Null = the system's.</param>
    /// <param name="random">Jitter; null = its own.</param>
    /// <param name="http">Null = connections of its own. Stays the caller's.</param>
    /// <exception cref="SyncException">An option is refused.</exception>
    public ChangefeedClient(
        SyncClientOptions options, ILogger<ChangefeedClient>? log = null, TimeProvider? time = null, Random? random = null,
        HttpMessageHandler? http = null)
    {
        var wrong = string.Join("; ", options.Validate());
        if (wrong.Length > 0) throw new SyncException(SyncErrorCode.Invalid, wrong);
        (_options, _log) = (options, log ?? NullLogger<ChangefeedClient>.Instance);
        (_time, _random) = (time ?? TimeProvider.System, random ?? new Random());
        var handler = http ?? new SocketsHttpHandler
        {
            ConnectTimeout = options.RequestTimeout,
            UseCookies = false,
            AllowAutoRedirect = false,
        };
        _http = new HttpClient(BearerHandler.Over(handler, options, _time), disposeHandler: http is null) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<FeedEvent> ReadAsync(FeedRequest request, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Check() is { } wrong) throw new SyncException(SyncErrorCode.Invalid, wrong + ".");
        return RunAsync(request, cancellation);
    }

    /// <summary>Ends all reads.</summary>
    public void Dispose() => _http.Dispose();

    private async IAsyncEnumerable<FeedEvent> RunAsync(
        FeedRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var writers = _options.WriterAddresses;
        var pause = new FeedPause(_options, _time, NextRandom);
        for (var turn = 0; ; turn++)
        {
            var writer = writers[turn % writers.Count];
            var (stream, failure) = await TryAsync(() => new ValueTask<FeedStream?>(
                FeedStream.OpenAsync(_http, writer, request, _options.FeedSilenceMax, _time, cancellation)!)).ConfigureAwait(false);
            if (stream is not null)
            {
                await using (stream.ConfigureAwait(false))
                {
                    var isHeard = false;
                    while (true)
                    {
                        (var told, failure) = await TryAsync(() => stream.NextAsync(cancellation)).ConfigureAwait(false);
                        if (told is null) break;
                        isHeard = true;
                        if (!IsNews(request, told)) continue;
                        request = request with { After = told.At };
                        yield return told;
                    }
                    // A writer that lets readers in and cuts them at once is no better than one that is away.
                    if (isHeard) pause.Heard(stream.HeardAt, stream.Retry);
                }
            }
            Log.FeedLost(_log, writer, failure?.Message ?? "the stream ended");
            await pause.WaitAsync(failure, cancellation).ConfigureAwait(false);
        }
    }

    // Passing failures are returned, so that the loop connects again; others end the read.
    private static async ValueTask<(T? Result, SyncException? Failure)> TryAsync<T>(Func<ValueTask<T?>> act) where T : class
    {
        try
        {
            return (await act().ConfigureAwait(false), null);
        }
        catch (SyncException error) when (error.IsTransient)
        {
            return (null, error);
        }
    }

    /// <summary>False for what the reader had already. What would leave a hole is an error.</summary>
    private static bool IsNews(FeedRequest request, FeedEvent told)
    {
        if (told is FeedEvent.Reset or FeedEvent.Dropped || request.After is not { } before) return true;
        if (told.At.Feed != before.Feed || told.At.History != before.History)
            throw new SyncException(SyncErrorCode.Corrupt, $"the writer went from {before} to {told.At} without a reset");
        if (told.At.Position < before.Position || (told is FeedEvent.Change && told.At.Position == before.Position)) return false;
        var isWhole = request.Filter is { Vault: null, Group: null };
        return told is not FeedEvent.Change || !isWhole || told.At.Position == before.Position.Next
            ? true
            : throw new SyncException(SyncErrorCode.Corrupt, $"the writer's feed has a hole between {before} and {told.At}");
    }

    private double NextRandom()
    {
        lock (_random) return _random.NextDouble();
    }
}

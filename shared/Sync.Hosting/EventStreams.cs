using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sync.Hosting;

/// <summary>Serves event streams (Server-Sent Events) of a process, a bounded number at a time. Nothing is queued for a
/// client: the next item is asked for when the last ones were taken, and who does not take them in time is dropped, so
/// a slow client costs its connection and nothing else. Safe from any thread.</summary>
public sealed class EventStreams : IDisposable
{
    private readonly Meter _meter = new("Sync.Hosting");
    private readonly Counter<long> _slow;
    private readonly Counter<long> _refused;
    private readonly EventStreamOptions _options;
    private readonly IHostApplicationLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILogger<EventStreams> _logger;
    private int _open;
    private long _slowDropped;

    /// <summary>One for a process and its kind of streams.</summary>
    /// <param name="options">Checked limits.</param>
    /// <param name="lifetime">Its stop ends all streams at once.</param>
    /// <param name="time">Heartbeats and deadlines.</param>
    /// <param name="random">Jitter.</param>
    /// <param name="logger">Takes who is dropped.</param>
    public EventStreams(
        EventStreamOptions options, IHostApplicationLifetime lifetime, TimeProvider time, Random random,
        ILogger<EventStreams> logger)
    {
        (_options, _lifetime, _time, _random, _logger) = (options, lifetime, time, random, logger);
        _meter.CreateObservableGauge("sync.hosting.streams", () => Open, "{stream}", "Event streams that are open");
        _slow = _meter.CreateCounter<long>(
            "sync.hosting.streams.slow", "{stream}", "Event streams dropped because the client did not read");
        _refused = _meter.CreateCounter<long>(
            "sync.hosting.streams.refused", "{stream}", "Event streams refused because too many were open");
    }

    /// <summary>Streams that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Streams dropped since the start because the client did not read in time.</summary>
    public long SlowDropped => Interlocked.Read(ref _slowDropped);

    /// <summary>Serves one stream until the items end, the client leaves or is too slow, or the host stops; then the
    /// connection is gone. The answer starts with the first item or heartbeat: what fails before is the caller's to
    /// answer, what fails later cuts the stream.</summary>
    /// <param name="context">The request; its answer must not have started.</param>
    /// <param name="items">What to send. Its enumeration is cancelled when the stream ends and is never ahead of what
    /// was written, except for the one item it works on.</param>
    public async Task RunAsync(HttpContext context, IAsyncEnumerable<ServerEvent> items)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(items);
        try
        {
            if (Interlocked.Increment(ref _open) > _options.StreamsMax)
            {
                _refused.Add(1);
                await TooMany().AnswerAsync(context).ConfigureAwait(false);
                return;
            }
            using var stream = new EventStream(context, _options, _time, NextRetry(), _lifetime.ApplicationStopping);
            switch (await stream.RunAsync(items).ConfigureAwait(false))
            {
                case EventStreamEnd.TooSlow:
                    _slow.Add(1);
                    Interlocked.Increment(ref _slowDropped);
                    HostingLog.SlowClient(_logger, context.Request.Path, _options.WriteTimeout);
                    break;
                case EventStreamEnd.Stopped:
                    // What is still on its way to a client that does not read would hold up the stop.
                    context.Abort();
                    break;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private Problem TooMany() => new(
        503, "overloaded", "Too much is in flight",
        $"{_options.StreamsMax} streams are open already. Come back later with the same Last-Event-ID.")
    {
        RetryAfter = NextRetry() * 2,
    };

    private TimeSpan NextRetry()
    {
        lock (_random) return _options.RetryMin * (1 + _random.NextDouble());
    }
}

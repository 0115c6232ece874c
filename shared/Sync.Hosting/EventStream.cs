using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Sync.Hosting;

/// <summary>Why a stream ended.</summary>
internal enum EventStreamEnd
{
    /// <summary>There are no more items; the answer is whole.</summary>
    Complete,

    /// <summary>The client left.</summary>
    Gone,

    /// <summary>The client did not read in time; its connection is cut.</summary>
    TooSlow,

    /// <summary>The host stops.</summary>
    Stopped,
}

/// <summary>One stream: takes an item, writes it, takes the next. Used by one loop.</summary>
internal sealed class EventStream : IDisposable
{
    /// <summary>Items that are there already are written together until they pass this many bytes.</summary>
    private const int WriteBytes = 32 << 10;

    private readonly HttpContext _context;
    private readonly EventStreamOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationToken _stopping;
    private readonly CancellationTokenSource _deadline;
    private readonly CancellationTokenSource _over;
    private ArrayBufferWriter<byte> _pending = new();
    private bool _hasItem;

    public EventStream(
        HttpContext context, EventStreamOptions options, TimeProvider time, TimeSpan retry, CancellationToken stopping)
    {
        (_context, _options, _time, _stopping) = (context, options, time, stopping);
        _deadline = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping, _deadline.Token);
        var line = string.Create(CultureInfo.InvariantCulture, $"retry: {(long)retry.TotalMilliseconds}\n\n");
        Encoding.UTF8.GetBytes(line, _pending);
    }

    public async Task<EventStreamEnd> RunAsync(IAsyncEnumerable<ServerEvent> items)
    {
        _context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        var response = _context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        // Intermediaries that collect answers would hold events back.
        response.Headers["X-Accel-Buffering"] = "no";
        // A write that a stuck client holds up does not always look at its token; losing the connection ends it.
        using var cut = _over.Token.UnsafeRegister(static state => ((HttpContext)state!).Abort(), _context);
        try
        {
            await PumpAsync(items).ConfigureAwait(false);
            return EventStreamEnd.Complete;
        }
        catch (Exception error) when (_over.IsCancellationRequested
            && error is OperationCanceledException or IOException)
        {
            if (_stopping.IsCancellationRequested) return EventStreamEnd.Stopped;
            return _deadline.IsCancellationRequested ? EventStreamEnd.TooSlow : EventStreamEnd.Gone;
        }
    }

    public void Dispose()
    {
        _over.Dispose();
        _deadline.Dispose();
    }

    private async Task PumpAsync(IAsyncEnumerable<ServerEvent> items)
    {
        var all = items.GetAsyncEnumerator(_over.Token);
        await using (all.ConfigureAwait(false))
        {
            while (true)
            {
                var next = all.MoveNextAsync();
                var isThere = next.IsCompleted ? next : new ValueTask<bool>(WaitAsync(next.AsTask()));
                if (!await isThere.ConfigureAwait(false)) break;
                all.Current.WriteTo(_pending);
                _hasItem = true;
                if (_pending.WrittenCount >= WriteBytes) await WriteAsync().ConfigureAwait(false);
            }
            await WriteAsync().ConfigureAwait(false);
        }
    }

    // What is there goes out before the wait; only the opening waits for the first item, which may fail.
    private async Task<bool> WaitAsync(Task<bool> next)
    {
        try
        {
            if (_hasItem) await WriteAsync().ConfigureAwait(false);
            while (true)
            {
                try
                {
                    return await next.WaitAsync(_options.HeartbeatEvery, _time).ConfigureAwait(false);
                }
                catch (TimeoutException) when (!next.IsCompleted)
                {
                    _pending.Write(":\n\n"u8);
                    await WriteAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            // An enumeration must have come to rest before it can be disposed.
            if (!next.IsCompleted)
            {
                await _over.CancelAsync().ConfigureAwait(false);
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    // One deadline around write and flush: either can be what waits for the client.
    private async Task WriteAsync()
    {
        if (_pending.WrittenCount == 0) return;
        _over.Token.ThrowIfCancellationRequested();
        _deadline.CancelAfter(_options.WriteTimeout);
        var result = await _context.Response.BodyWriter
            .WriteAsync(_pending.WrittenMemory, _over.Token).ConfigureAwait(false);
        _deadline.CancelAfter(Timeout.InfiniteTimeSpan);
        if (result.IsCompleted || result.IsCanceled)
        {
            await _over.CancelAsync().ConfigureAwait(false);
            _over.Token.ThrowIfCancellationRequested();
        }
        // One large item must not be paid for as long as the stream lives.
        if (_pending.Capacity > 2 * WriteBytes) _pending = new ArrayBufferWriter<byte>();
        else _pending.ResetWrittenCount();
    }
}

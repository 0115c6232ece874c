using System.Numerics;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>Turns a subscription into answers, in the same way on every bus: the read loop only copies the request into a
/// bounded queue; a fixed number of workers answers. What does not fit is answered "overloaded" by one more worker behind
/// its own bounded queue, so that a flood never blocks the read loop and never grows memory.
/// Safety: the queues are the only shared state, besides one counter that is changed atomically; the counter is raised
/// before a request is queued and lowered after it was answered, so it never falls below what is held.</summary>
internal sealed class Responder : IBusReceiver, IAsyncDisposable
{
    private const int RefusalsMax = 1024;
    private const int ReplyLengthMax = 512;

    private readonly IBus _bus;
    private readonly string _subject;
    private readonly string _replyPrefix;
    private readonly BusHandler _handler;
    private readonly ServeOptions _options;
    private readonly ILogger _logger;
    private readonly Channel<Taken> _queue;
    private readonly Channel<string> _refusals;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _workers;
    private IAsyncDisposable? _subscription;
    private long _heldBytes;
    private long _refused;
    private int _disposed;

    private Responder(IBus bus, string subject, string replyPrefix, BusHandler handler, ServeOptions options, ILogger logger)
    {
        (_bus, _subject, _handler, _options, _logger) = (bus, subject, handler, options, logger);
        _replyPrefix = replyPrefix + '.';
        _queue = Channel.CreateBounded<Taken>(options.QueueRequestsMax);
        _refusals = Channel.CreateBounded<string>(RefusalsMax);
        _workers = Task.WhenAll(Enumerable.Range(0, options.ConcurrencyMax).Select(_ => Task.Run(AnswerAsync))
            .Append(Task.Run(RefuseAsync)));
    }

    public static async ValueTask<IAsyncDisposable> StartAsync(
        IBus bus, string subject, string queueGroup, string replyPrefix, BusHandler handler, ServeOptions options,
        ILogger logger, CancellationToken cancellation)
    {
        options.Validate();
        var responder = new Responder(bus, subject, replyPrefix, handler, options, logger);
        try
        {
            responder._subscription = await bus.SubscribeAsync(subject, responder, queueGroup, cancellation).ConfigureAwait(false);
        }
        catch
        {
            await responder.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return responder;
    }

    public void Receive(in BusMessage message)
    {
        if (!TryReadReply(message.ReplyTo, out var replyTo))
        {
            TransportMetrics.RepliesRefused.Add(1);
            // A hostile flood must not become a flood of log lines: each power of two is logged.
            if (BitOperations.IsPow2(Interlocked.Increment(ref _refused))) _logger.ReplyRefused(_subject, _replyPrefix);
            return;
        }
        var size = message.Payload.Length;
        if (Interlocked.Add(ref _heldBytes, size) <= _options.QueueBytesMax
            && _queue.Writer.TryWrite(new Taken(
                new BusRequest(Encoding.ASCII.GetString(message.Subject), message.Payload.ToArray(), message.Headers), replyTo)))
            return;
        Interlocked.Add(ref _heldBytes, -size);
        TransportMetrics.RequestsOverloaded.Add(1);
        if (_refusals.Writer.TryWrite(replyTo)) return;
        TransportMetrics.RepliesLost.Add(1);
    }

    // A lost request is the requester's time-out; a responder has nothing to recover.
    public void Disrupted(Disruption disruption)
    {
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        if (_subscription is not null) await _subscription.DisposeAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        _refusals.Writer.TryComplete();
        _stopping.CancelAfter(_options.DrainTimeout);
        await _workers.ConfigureAwait(false);
        _stopping.Dispose();
    }

    // Only under the prefix, and nothing that a publish would refuse or spread (61, reply-subject attack).
    private bool TryReadReply(ReadOnlySpan<byte> bytes, out string replyTo)
    {
        replyTo = "";
        if (bytes.IsEmpty || bytes.Length > ReplyLengthMax) return false;
        var text = Encoding.Latin1.GetString(bytes);
        if (!text.StartsWith(_replyPrefix, StringComparison.Ordinal) || SubjectRules.Check(text) is not null) return false;
        replyTo = text;
        return true;
    }

    private async Task AnswerAsync()
    {
        await foreach (var (request, replyTo) in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            var reply = await HandleAsync(request).ConfigureAwait(false);
            await SendAsync(replyTo, reply).ConfigureAwait(false);
            Interlocked.Add(ref _heldBytes, -request.Payload.Length);
        }
    }

    private async Task RefuseAsync()
    {
        var overloaded = BusReply.Failed(503, "overloaded");
        var count = 0L;
        await foreach (var replyTo in _refusals.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (BitOperations.IsPow2(++count)) _logger.Overloaded(_subject, count);
            await SendAsync(replyTo, overloaded).ConfigureAwait(false);
        }
    }

    private async ValueTask<BusReply> HandleAsync(BusRequest request)
    {
        try
        {
            var reply = await _handler(request, _stopping.Token).ConfigureAwait(false);
            return reply.Payload.Length + (reply.ToHeaders()?.WireSize ?? 0) <= _bus.MaxPayload
                ? reply
                : BusReply.Failed(500, "the answer is larger than the bus carries");
        }
        catch (Exception exception)
        {
            // The text stays here: an answer must not carry what an exception happens to hold.
            TransportMetrics.HandlerErrors.Add(1);
            _logger.ResponderFailed(_subject, exception);
            return BusReply.Failed(500, "failed inside");
        }
    }

    private async ValueTask SendAsync(string replyTo, BusReply reply)
    {
        try
        {
            await _bus.PublishAsync(replyTo, reply.Payload, reply.ToHeaders()).ConfigureAwait(false);
            // Not after an error: then it is not known whether the bus still reads it.
            reply.Release();
            TransportMetrics.Requests.Add(1);
        }
        catch (Exception exception)
        {
            TransportMetrics.RepliesLost.Add(1);
            _logger.ReplyLost(_subject, exception);
        }
    }

    private readonly record struct Taken(BusRequest Request, string ReplyTo);
}

using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>A bus within one process, for the single box and for tests: the semantics of a broker connection (wildcards,
/// queue groups, no responders, order, one delivery loop) without a broker.
/// Safety: the lock guards the queue, the waiting publishers and the routing. Whoever finds the queue idle schedules the one
/// delivery loop; receivers are called by that loop only, outside the lock, so they may publish and unsubscribe.</summary>
public sealed class InProcessBus : IBus, IThreadPoolWorkItem
{
    // So many messages in one turn, then other work items of the pool get theirs.
    private const int TurnMessages = 256;

    private readonly Lock _gate = new();
    private readonly Queue<InProcessItem> _queue = new();
    private readonly LinkedList<(InProcessItem Item, TaskCompletionSource Room)> _waiting = new();
    private readonly InProcessRouting _routing = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<BusReply>> _requests = new(StringComparer.Ordinal);
    private readonly List<InProcessSubscription> _matched = [];
    private readonly InProcessBusOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _queuedBytes;
    private long _taken;
    private long _requestNumber;
    private bool _running;
    private bool _stopped;

    /// <summary>A bus without subscriptions.</summary>
    /// <param name="options">Null = defaults.</param>
    /// <param name="time">Clock of the time-outs; null = the system's.</param>
    /// <param name="logger">Null = nowhere.</param>
    /// <exception cref="SyncException">An option is out of range.</exception>
    public InProcessBus(InProcessBusOptions? options = null, TimeProvider? time = null, ILogger<InProcessBus>? logger = null)
    {
        _options = options ?? new InProcessBusOptions();
        _options.Validate();
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<InProcessBus>.Instance;
    }

    /// <inheritdoc/>
    public bool IsConnected => !_stopped;

    /// <summary>Always 1: nothing gets lost on the way.</summary>
    public long ConnectionEpoch => 1;

    /// <inheritdoc/>
    public int MaxPayload => _options.MaxPayload;

    /// <summary>Subscriptions now; for tests of leaks.</summary>
    public int SubscriptionCount
    {
        get { lock (_gate) return _routing.Count; }
    }

    /// <inheritdoc/>
    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers = null, CancellationToken cancellation = default) =>
        PublishAsync(subject, payload, null, headers, cancellation);

    /// <summary>Publishes with a reply subject, which is the sender's free choice.</summary>
    /// <exception cref="SyncException">As for the publish without one.</exception>
    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, string? replyTo, BusHeaders? headers, CancellationToken cancellation)
    {
        if ((SubjectRules.Check(subject) ?? (replyTo is null ? null : SubjectRules.Check(replyTo))) is { } wrong)
            throw new SyncException(SyncErrorCode.Invalid, wrong);
        var size = payload.Length + (headers?.WireSize ?? 0);
        if (size > MaxPayload)
            throw new SyncException(SyncErrorCode.Invalid, $"the message has {size} bytes; the bus carries {MaxPayload}");
        return EnqueueAsync(new InProcessItem(subject, payload.ToArray(), replyTo, headers, null), cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellation = default)
    {
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await EnqueueAsync(new InProcessItem("", [], null, null, flushed), cancellation).ConfigureAwait(false);
        await flushed.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        string subject, IBusReceiver receiver, string? queueGroup = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        if ((SubjectRules.CheckFilter(subject) ?? (queueGroup is null ? null : SubjectRules.Check(queueGroup))) is { } wrong)
            throw new SyncException(SyncErrorCode.Invalid, wrong);
        cancellation.ThrowIfCancellationRequested();
        var subscription = new InProcessSubscription(this, subject, queueGroup, receiver);
        lock (_gate)
        {
            if (_stopped) throw Stopped();
            // Publishers that wait for room called before this subscriber did.
            subscription.From = _taken + _waiting.Count;
            _routing.Add(subscription);
        }
        return ValueTask.FromResult<IAsyncDisposable>(subscription);
    }

    /// <inheritdoc/>
    public async ValueTask<BusReply> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        if (_requests.Count >= _options.RequestsMax)
            throw new SyncException(SyncErrorCode.Exhausted, $"{_options.RequestsMax} requests are in flight", isTransient: true);
        var number = Interlocked.Increment(ref _requestNumber);
        var inbox = $"{_options.InboxPrefix}.{number.ToString(CultureInfo.InvariantCulture)}";
        var answer = new TaskCompletionSource<BusReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests[inbox] = answer;
        try
        {
            await PublishAsync(subject, payload, inbox, headers, cancellation).ConfigureAwait(false);
            return await answer.Task.WaitAsync(timeout, _time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new SyncException(SyncErrorCode.NoAnswer, $"no answer on {subject} within {timeout}", isTransient: true);
        }
        finally
        {
            _requests.TryRemove(inbox, out _);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> ServeAsync(
        string subject, string queueGroup, BusHandler handler, ServeOptions options, CancellationToken cancellation = default) =>
        Responder.StartAsync(this, subject, queueGroup, _options.InboxPrefix, handler, options, _logger, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        List<TaskCompletionSource> abandoned = [];
        lock (_gate)
        {
            if (_stopped) return ValueTask.CompletedTask;
            _stopped = true;
            foreach (var item in _queue)
                if (item.Flushed is not null) abandoned.Add(item.Flushed);
            foreach (var (_, room) in _waiting) abandoned.Add(room);
            _queue.Clear();
            _waiting.Clear();
        }
        foreach (var task in abandoned) task.TrySetException(Stopped());
        foreach (var request in _requests.Values) request.TrySetException(Stopped());
        return ValueTask.CompletedTask;
    }

    /// <summary>The delivery loop; called by the thread pool only.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        for (var turn = 0; turn < TurnMessages; turn++)
        {
            InProcessItem item;
            lock (_gate)
            {
                if (!_queue.TryDequeue(out item))
                {
                    _running = false;
                    return;
                }
                _queuedBytes -= item.Size;
                LetWaitersIn();
                _matched.Clear();
                if (item.Flushed is null) _routing.Match(item.Subject, item.Number, _matched);
            }
            if (item.Flushed is not null) item.Flushed.TrySetResult();
            else Deliver(item);
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    internal void Remove(InProcessSubscription subscription)
    {
        lock (_gate) _routing.Remove(subscription);
    }

    private void Deliver(in InProcessItem item)
    {
        var answers = _requests.TryGetValue(item.Subject, out var request)
            && request.TrySetResult(BusReply.FromReceived(item.Payload, item.Headers));
        if (_matched.Count == 0)
        {
            if (!answers && item.ReplyTo is not null && _requests.TryGetValue(item.ReplyTo, out var asked))
                asked.TrySetException(new SyncException(
                    SyncErrorCode.NoResponder, $"nobody answers requests on {item.Subject}", isTransient: true));
            return;
        }
        var message = new BusMessage(item.SubjectBytes, item.ReplyToBytes, item.Payload, item.Headers);
        foreach (var subscription in _matched)
        {
            if (subscription.IsEnded) continue;
            try
            {
                subscription.Receiver.Receive(message);
            }
            catch (Exception exception)
            {
                TransportMetrics.HandlerErrors.Add(1);
                _logger.ReceiverThrew(subscription.Subject, exception);
            }
        }
    }

    private ValueTask EnqueueAsync(InProcessItem item, CancellationToken cancellation)
    {
        LinkedListNode<(InProcessItem Item, TaskCompletionSource Room)> waiter;
        lock (_gate)
        {
            if (_stopped) throw Stopped();
            // Nobody overtakes those that wait.
            if (_waiting.Count == 0 && HasRoomFor(item))
            {
                Take(item);
                return ValueTask.CompletedTask;
            }
            if (_waiting.Count >= _options.WaitersMax)
                throw new SyncException(SyncErrorCode.BusUnavailable, $"{_waiting.Count} publishers wait for the bus", isTransient: true);
            waiter = _waiting.AddLast((item, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }
        return WaitForRoomAsync(waiter, cancellation);
    }

    private async ValueTask WaitForRoomAsync(
        LinkedListNode<(InProcessItem Item, TaskCompletionSource Room)> waiter, CancellationToken cancellation)
    {
        try
        {
            await waiter.Value.Room.Task.WaitAsync(_options.PublishTimeout, _time, cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            lock (_gate)
            {
                // The delivery loop was faster: the message is on its way.
                if (waiter.List is null) return;
                _waiting.Remove(waiter);
                // Its number stays unused, or a later message would count as published before who subscribed meanwhile.
                _taken++;
            }
            if (exception is OperationCanceledException) throw;
            throw new SyncException(
                SyncErrorCode.BusUnavailable, $"the bus had no room for {_options.PublishTimeout}", isTransient: true);
        }
    }

    // Under the lock.
    private void LetWaitersIn()
    {
        while (_waiting.First is { } next && HasRoomFor(next.Value.Item))
        {
            _waiting.RemoveFirst();
            Take(next.Value.Item);
            next.Value.Room.TrySetResult();
        }
    }

    private bool HasRoomFor(in InProcessItem item) =>
        _queue.Count == 0 || (_queue.Count < _options.QueueMessagesMax && _queuedBytes + item.Size <= _options.QueueBytesMax);

    // Under the lock.
    private void Take(in InProcessItem item)
    {
        _queue.Enqueue(item with { Number = _taken });
        _queuedBytes += item.Size;
        _taken++;
        if (_running) return;
        _running = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private static SyncException Stopped() => new(SyncErrorCode.Stopped, "the bus is disposed");
}

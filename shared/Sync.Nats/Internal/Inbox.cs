namespace Sync.Nats.Internal;

internal enum InboxResult
{
    Added,
    FirstDrop,
    Dropped,
}

/// <summary>
/// Bounded queue between the read loop and one consumer. Full: the new message is dropped and counted, and the count
/// rides on the next message that fits, or is handed over alone when the queue runs empty; so the consumer learns of
/// every gap, at its place. Safe because all fields are touched under one short lock; the consumer's wake-up runs on
/// the pool.
/// </summary>
internal sealed class Inbox(int messagesMax, long bytesMax)
{
    private readonly Lock _gate = new();
    private readonly Queue<(NatsMsg Message, int Size)> _queue = new();
    private TaskCompletionSource? _consumerWaits;
    private NatsException? _error;
    private long _bytes;
    private long _gap;
    private long _dropped;
    private bool _completed;

    public int Count
    {
        get { lock (_gate) return _queue.Count; }
    }

    public long Dropped
    {
        get { lock (_gate) return _dropped; }
    }

    public InboxResult Add(in NatsMessageView message)
    {
        TaskCompletionSource? wake;
        // Copied before the lock is taken only if there is room now; the read loop is the only one that adds.
        if (!HasRoom(message.Size, out var result))
            return result;
        var copy = message.ToMsg();
        lock (_gate)
        {
            if (_completed)
                return InboxResult.Added;
            _queue.Enqueue((_gap > 0 ? copy with { DroppedBefore = _gap } : copy, message.Size));
            _gap = 0;
            _bytes += message.Size;
            (wake, _consumerWaits) = (_consumerWaits, null);
        }

        wake?.TrySetResult();
        return InboxResult.Added;
    }

    /// <summary>The next message, or a pure gap (<paramref name="lostOnly"/> above zero).</summary>
    public bool TryTake(out NatsMsg message, out long lostOnly)
    {
        lock (_gate)
        {
            lostOnly = 0;
            if (_queue.TryDequeue(out var entry))
            {
                message = entry.Message;
                _bytes -= entry.Size;
                return true;
            }

            message = default;
            (lostOnly, _gap) = (_gap, 0);
            return lostOnly > 0;
        }
    }

    /// <summary>True: there is something to take. False: there will never be.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_queue.Count > 0 || _gap > 0)
                    return true;
                if (_completed)
                    return _error is null ? false : throw _error;
                _consumerWaits ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _consumerWaits.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Complete(NatsException? error)
    {
        TaskCompletionSource? wake;
        lock (_gate)
        {
            if (_completed)
                return;
            (_completed, _error) = (true, error);
            (wake, _consumerWaits) = (_consumerWaits, null);
        }

        wake?.TrySetResult();
    }

    // A message larger than the whole limit still passes when nothing else waits: it could never be delivered
    // otherwise.
    private bool HasRoom(int size, out InboxResult result)
    {
        lock (_gate)
        {
            result = InboxResult.Added;
            if (_completed || _queue.Count == 0 || (_queue.Count < messagesMax && _bytes + size <= bytesMax))
                return !_completed;
            result = _gap == 0 ? InboxResult.FirstDrop : InboxResult.Dropped;
            _gap++;
            _dropped++;
            return false;
        }
    }
}

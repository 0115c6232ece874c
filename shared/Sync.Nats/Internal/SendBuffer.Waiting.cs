namespace Sync.Nats.Internal;

/// <summary>The calls that wait for room, first come first served. Part of the send buffer: same lock, same
/// invariants.</summary>
internal sealed partial class SendBuffer
{
    private Queue<PendingWrite> _waiting = new();
    private int _waitingLive;
    private long _waitingBytes;

    /// <summary>Appends, or takes a place in the queue; null when there is nothing to wait for.</summary>
    public PendingWrite? AppendOrWait(in PublishFrame frame, long epoch)
    {
        var bytes = new byte[frame.SizeMax];
        var write = new PendingWrite(bytes, frame.WriteTo(bytes), epoch, fence: null);
        bool wake;
        lock (Gate)
        {
            var result = Admit(frame.SizeMax, epoch, canWait: true);
            if (result == AppendResult.Full)
            {
                if (_link == LinkState.Down && opts.PendingPolicy == NatsPendingPolicy.Discard)
                    counters.Discarded(1);
                else if (_link == LinkState.Down && opts.PendingPolicy == NatsPendingPolicy.Fail)
                    throw new NatsException(NatsError.PendingFull, $"{_used} bytes of publishes wait for a connection");
                else
                    return Enqueue(write);
                return null;
            }

            Refuse(result);
            AppendWrite(write);
            wake = TakeWake(inline: false);
        }

        if (wake)
            _ready.Fire(inline: false);
        return null;
    }

    /// <summary>The caller stopped waiting. True: nothing was and nothing will be sent; false: it was in time after
    /// all.</summary>
    public bool Abandon(PendingWrite write)
    {
        lock (Gate)
        {
            if (write.IsSettled)
                return false;
            write.Abandon();
            Leave(write);
            while (_waiting.TryPeek(out var head) && head.IsSettled)
                _waiting.Dequeue();
            return true;
        }
    }

    public static void Refuse(AppendResult result)
    {
        if (result == AppendResult.NotConnected)
            throw new NatsException(NatsError.NotConnected, "There is no connection to a server now");
        if (result == AppendResult.StaleEpoch)
            throw new NatsException(NatsError.StaleEpoch, "The connection of that epoch is over");
        if (result == AppendResult.Closed)
            throw new NatsException(NatsError.Closed, "The connection is closed");
    }

    private PendingWrite Enqueue(PendingWrite write)
    {
        if (_waitingLive >= opts.PendingWaitersMax || _waitingBytes + write.Length > opts.PendingBytesMax)
            throw new NatsException(NatsError.PendingFull,
                $"{_waitingLive} publishes of {_waitingBytes} bytes wait for room already");
        // Places given up in the middle of the queue go when they are as many as the bound allows to be alive.
        if (_waiting.Count >= 2 * opts.PendingWaitersMax)
            _waiting = new Queue<PendingWrite>(_waiting.Where(w => !w.IsSettled));
        _waiting.Enqueue(write);
        _waitingLive++;
        _waitingBytes += write.Length;
        return write;
    }

    // In their order, as far as there is room. Completions run elsewhere: nobody's code runs under the lock.
    private void PromoteWaiting()
    {
        if (_link is LinkState.HandingOver or LinkState.Closed)
            return;
        while (_waiting.TryPeek(out var write))
        {
            if (!write.IsSettled)
            {
                if (!Fits(write.Length, canWait: true))
                    return;
                AppendWrite(write);
                Leave(write);
                write.Succeed();
            }

            _waiting.Dequeue();
        }
    }

    private void AppendWrite(PendingWrite write)
    {
        if (write.Fence is { } fence)
        {
            AppendPingLocked(fence);
            return;
        }

        write.Frame.CopyTo(Room(write.Length));
        _used += write.Length;
        _messages++;
    }

    // Fences and writes bound to an epoch end with their connection; the others only when nothing is buffered.
    private void FailWaiting(NatsException reason, bool all)
    {
        foreach (var write in _waiting)
        {
            if (write.IsSettled || (!all && write.Fence is null && write.Epoch == 0))
                continue;
            Leave(write);
            write.Fail(reason);
            write.Fence?.Fail(reason);
        }

        while (_waiting.TryPeek(out var head) && head.IsSettled)
            _waiting.Dequeue();
    }

    private void Leave(PendingWrite write)
    {
        _waitingLive--;
        _waitingBytes -= write.Length;
    }
}

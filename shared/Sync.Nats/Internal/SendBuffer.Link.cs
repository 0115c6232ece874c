namespace Sync.Nats.Internal;

/// <summary>What happens to the buffer when connections come and go. Same lock, same invariants.</summary>
internal sealed partial class SendBuffer
{
    /// <summary>A connection is ready. The prologue (all subscriptions) goes out in front of everything that
    /// waits.</summary>
    public void Attach(long epoch, Func<byte[]?> prologue)
    {
        lock (Gate)
        {
            if (_link == LinkState.Closed)
                return;
            (_link, _epoch) = (LinkState.Up, epoch);
            _prologue = prologue();
            PromoteWaiting();
        }
    }

    /// <summary>The server is about to go: new publishes wait, the fence stands behind the last one sent to
    /// it.</summary>
    public Fence BeginHandover()
    {
        var fence = new Fence();
        AppendControl(() =>
        {
            _link = LinkState.HandingOver;
            AppendPingLocked(fence);
        });
        return fence;
    }

    /// <summary>The connection is lost, or closed for good.</summary>
    public void Detach(NatsException reason, bool forGood)
    {
        bool wake;
        lock (Gate)
        {
            _link = forGood ? LinkState.Closed : LinkState.Down;
            _prologue = null;
            _pongs = 0;
            while (_fences.TryDequeue(out var fence))
                fence?.Fail(reason);

            if (forGood || !opts.BufferWhileDisconnected)
                DropUnsent();
            else
                DropControl();
            FailWaiting(reason, all: forGood || !opts.BufferWhileDisconnected);
            PromoteWaiting();
            wake = _senderWaits;
            _senderWaits = false;
        }

        if (wake)
            _ready.Fire(inline: false);
    }

    private void DropUnsent()
    {
        counters.Discarded(_messages);
        (_used, _messages) = (0, 0);
        _control.Clear();
    }

    // Closes the holes that control frames leave, so that only whole publishes remain, in their order.
    private void DropControl()
    {
        int to = 0, from = 0;
        foreach (var (start, length) in _control)
        {
            _filling.AsSpan(from, start - from).CopyTo(_filling.AsSpan(to));
            to += start - from;
            from = start + length;
        }

        _filling.AsSpan(from, _used - from).CopyTo(_filling.AsSpan(to));
        _used = to + (_used - from);
        _control.Clear();
    }
}

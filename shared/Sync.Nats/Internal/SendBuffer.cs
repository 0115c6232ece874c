namespace Sync.Nats.Internal;

internal enum LinkState
{
    Down,
    Up,
    HandingOver,
    Closed,
}

internal enum AppendResult
{
    Done,
    Full,
    NotConnected,
    StaleEpoch,
    Closed,
}

/// <summary>One write to the socket. An empty one means that this connection's sender has ended.</summary>
internal readonly record struct Batch(ReadOnlyMemory<byte> Bytes, int Messages);

/// <summary>
/// Everything that goes to the server passes here. Publishers copy whole frames into the filling buffer under one plain,
/// short lock, while the sender of the present connection writes the other buffer to the socket; then the two change places.
/// So batches form by themselves, no publisher ever does I/O, and there is no timer in the path.
/// <para>Safe because every field is touched under <see cref="Gate"/> only, except the bytes of the taken buffer: those belong
/// to the sender until it asks for the next batch, and there is one sender at a time (the connection loop awaits the old
/// one's end before it attaches a new one). Subscriptions use the same lock, so a SUB is either in the prologue of the next
/// connection or appended to the present one, never both and never neither.</para>
/// <para>Bounded: while connected about one batch (calls that may wait) or PendingBytesMax (calls that may not); while down
/// PendingBytesMax; waiting calls by number and bytes. A batch whose write failed is not sent again: its frames may have arrived.</para>
/// </summary>
internal sealed partial class SendBuffer(NatsOpts opts, Counters counters)
{
    private const int PongsPendingMax = 64;

    private readonly Queue<Fence?> _fences = new();
    private readonly ReadySignal _ready = new();

    // Places of control frames in the filling buffer: they belong to one connection and leave with it.
    private readonly List<(int Start, int Length)> _control = [];
    private byte[] _filling = new byte[4096];
    private byte[] _sending = new byte[4096];
    private byte[]? _prologue;
    private int _used;
    private int _messages;
    private int _pongs;
    private bool _senderWaits;
    private LinkState _link = LinkState.Down;
    private long _epoch;

    public Lock Gate { get; } = new();

    public bool IsUpLocked => _link is LinkState.Up or LinkState.HandingOver;

    /// <summary>Copies a publish into the buffer if it may and fits.</summary>
    public AppendResult TryAppend(in PublishFrame frame, long epoch, bool canWait)
    {
        bool wake;
        lock (Gate)
        {
            var result = Admit(frame.SizeMax, epoch, canWait);
            if (result != AppendResult.Done)
                return result;
            _used += frame.WriteTo(Room(frame.SizeMax));
            _messages++;
            wake = TakeWake();
        }

        if (wake)
            _ready.Fire();
        return AppendResult.Done;
    }

    /// <summary>A PING whose PONG tells that the server has handled everything before it.</summary>
    public Fence AppendFence()
    {
        var fence = new Fence();
        bool wake;
        lock (Gate)
        {
            if (_link != LinkState.Up)
                throw NotUp();
            if (_fences.Count >= opts.PendingWaitersMax)
                throw new NatsException(NatsError.LimitReached, $"{_fences.Count} flushes are under way");
            // Behind the publishes that wait for room; if there are none, at once.
            if (_waiting.Count > 0)
                Enqueue(new PendingWrite("PING\r\n"u8.ToArray(), 6, epoch: 0, fence));
            else
                AppendPingLocked(fence);
            wake = TakeWake();
        }

        if (wake)
            _ready.Fire();
        return fence;
    }

    /// <summary>Ping of the liveness timer; nobody waits for its answer.</summary>
    public void AppendPing() => AppendControl(() => AppendPingLocked(null));

    /// <summary>Answer to a server's ping. A server that asks again and again without reading is owed no more.</summary>
    public void AppendPong() => AppendControl(() =>
    {
        if (_pongs++ < PongsPendingMax)
            AppendControlLocked("PONG\r\n"u8);
    });

    /// <summary>Runs a change under the gate; what it appends goes out.</summary>
    public void Change(Action append)
    {
        bool wake;
        lock (Gate)
        {
            append();
            wake = TakeWake();
        }

        if (wake)
            _ready.Fire();
    }

    private void AppendControl(Action append) => Change(() =>
    {
        if (IsUpLocked)
            append();
    });

    /// <summary>Appends a command that holds for the present connection only. The caller holds the gate.</summary>
    public void AppendControlLocked(ReadOnlySpan<byte> frame)
    {
        frame.CopyTo(Room(frame.Length));
        _control.Add((_used, frame.Length));
        _used += frame.Length;
    }

    public void OnPong()
    {
        Fence? fence;
        long epoch;
        lock (Gate)
        {
            epoch = _epoch;
            _fences.TryDequeue(out fence);
        }

        fence?.Confirm(epoch);
    }

    /// <summary>The next batch of the connection of that epoch; waits while there is nothing to send.</summary>
    public async ValueTask<Batch> TakeAsync(long epoch)
    {
        while (true)
        {
            ValueTask ready;
            lock (Gate)
            {
                if (_epoch != epoch || !IsUpLocked)
                    return default;
                if (TryTake(out var batch))
                    return batch;
                _senderWaits = true;
                ready = _ready.ArmAsync();
            }

            await ready.ConfigureAwait(false);
        }
    }

    /// <summary>A connection is ready. The prologue (all subscriptions) goes out in front of everything that waits.</summary>
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

    /// <summary>The server is about to go: new publishes wait, the fence stands behind the last one sent to it.</summary>
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
            _ready.Fire();
    }

    private AppendResult Admit(int size, long epoch, bool canWait)
    {
        if (_link == LinkState.Closed)
            return AppendResult.Closed;
        if (epoch != 0 && (epoch != _epoch || _link != LinkState.Up))
            return AppendResult.StaleEpoch;
        if (_link == LinkState.Down && !opts.BufferWhileDisconnected)
            return AppendResult.NotConnected;
        // Whoever waits goes first, or a caller's second publish would overtake its first.
        if (_waiting.Count > 0 || _link == LinkState.HandingOver)
            return AppendResult.Full;
        return Fits(size, canWait) ? AppendResult.Done : AppendResult.Full;
    }

    private bool Fits(int size, bool canWait)
    {
        var limit = canWait && _link == LinkState.Up ? opts.WriterBatchBytes : opts.PendingBytesMax;
        return _used == 0 || _used + (long)size <= limit;
    }

    private bool TryTake(out Batch batch)
    {
        if (_prologue is { } prologue)
        {
            _prologue = null;
            batch = new Batch(prologue, 0);
            return true;
        }

        batch = new Batch(_filling.AsMemory(0, _used), _messages);
        if (_used == 0)
            return false;
        (_filling, _sending) = (_sending, _filling);
        // A buffer that grew in an outage does not stay.
        if (_filling.Length > 4 * opts.WriterBatchBytes && _used < _filling.Length / 4)
            _filling = new byte[opts.WriterBatchBytes];
        (_used, _messages, _pongs) = (0, 0, 0);
        _control.Clear();
        PromoteWaiting();
        return true;
    }

    private void AppendPingLocked(Fence? fence)
    {
        AppendControlLocked("PING\r\n"u8);
        _fences.Enqueue(fence);
    }

    private Span<byte> Room(int size)
    {
        if (_filling.Length - _used < size)
        {
            var grown = new byte[Math.Max(_used + size, (int)Math.Min(2L * _filling.Length, int.MaxValue / 2))];
            _filling.AsSpan(0, _used).CopyTo(grown);
            _filling = grown;
        }

        return _filling.AsSpan(_used, size);
    }

    private bool TakeWake()
    {
        var wake = _senderWaits && _used > 0;
        if (wake)
            _senderWaits = false;
        return wake;
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

    private NatsException NotUp() => _link == LinkState.Closed
        ? new NatsException(NatsError.Closed, "The connection is closed")
        : new NatsException(NatsError.NotConnected, "There is no connection to a server now");
}

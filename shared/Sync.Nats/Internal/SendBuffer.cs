using System.Runtime.CompilerServices;

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
/// Everything that goes to the server passes here. Publishers copy whole frames into the filling buffer under one
/// plain, short lock, while the sender of the present connection writes the other buffer to the socket; then the two
/// change places. So batches form by themselves, no publisher waits for I/O, and there is no timer in the path.
/// <para>A publish wakes the sender on the pool, so that more can gather meanwhile. Where somebody waits for the answer
/// (requests, flushes) or a read batch has been handled (its replies went out together), the sender runs on that thread
/// instead, for one batch: its write is asynchronous and does not block, and a thread switch is saved.</para>
/// <para>Safe because every field is touched under <see cref="Gate"/> only, except the bytes of the taken buffer:
/// those belong to the sender until it asks for the next batch, and there is one sender at a time (the connection
/// loop awaits the old one's end before it attaches a new one). Subscriptions use the same lock, so a SUB is either
/// in the prologue of the next connection or appended to the present one, never both and never neither.</para>
/// <para>Bounded: while connected about one batch (calls that may wait) or PendingBytesMax (calls that may not);
/// while down PendingBytesMax; waiting calls by number and bytes. A batch whose write failed is not sent again: its
/// frames may have arrived.</para>
/// </summary>
internal sealed partial class SendBuffer(NatsOpts opts, Counters counters)
{
    private const int PongsPendingMax = 64;
    private const int SmallFrameBytesMax = 1024;
    private const int DeferredBytesMax = 16 * 1024;

    // The buffer whose read loop is handling frames on this thread.
    [ThreadStatic]
    private static SendBuffer? _handledHere;


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
    private bool _onBorrowedThread;
    private bool _wroteOnBorrowedThread;
    private LinkState _link = LinkState.Down;
    private long _epoch;

    public Lock Gate { get; } = new();

    public bool IsUpLocked => _link is LinkState.Up or LinkState.HandingOver;

    /// <summary>Copies a publish into the buffer if it may and fits. A small frame is made outside the lock, so that
    /// several publishers hold each other up only for one short copy.</summary>
    [SkipLocalsInit]
    public AppendResult TryAppend(in PublishFrame frame, long epoch, bool canWait, bool urgent = false)
    {
        Span<byte> scratch = stackalloc byte[SmallFrameBytesMax];
        var small = frame.SizeMax <= SmallFrameBytesMax ? frame.WriteTo(scratch) : 0;
        bool wake;
        lock (Gate)
        {
            var result = Admit(frame.SizeMax, epoch, canWait);
            if (result != AppendResult.Done)
                return result;
            var room = Room(frame.SizeMax);
            if (small > 0)
                scratch[..small].CopyTo(room);
            _used += small > 0 ? small : frame.WriteTo(room);
            _messages++;
            wake = TakeWake(urgent);
        }

        if (wake)
            _ready.Fire(urgent);
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
            wake = TakeWake(inline: true);
        }

        if (wake)
            _ready.Fire(inline: true);
        return fence;
    }

    /// <summary>Ping of the liveness timer; nobody waits for its answer.</summary>
    public void AppendPing() => AppendControl(() => AppendPingLocked(null));

    /// <summary>Answer to a server's ping. A server that asks again and again without reading is owed no
    /// more.</summary>
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
            wake = TakeWake(inline: false);
        }

        if (wake)
            _ready.Fire(inline: false);
    }

    /// <summary>What callbacks on this thread publish from here on goes out together at
    /// <see cref="EndReadBatch"/>.</summary>
    public void BeginReadBatch() => _handledHere = this;

    public void EndReadBatch()
    {
        _handledHere = null;
        bool wake;
        lock (Gate)
            wake = TakeWake(inline: true);
        if (wake)
            _ready.Fire(inline: true);
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
            var ready = ValueTask.CompletedTask;
            var leaveThread = false;
            lock (Gate)
            {
                if (_epoch != epoch || !IsUpLocked)
                    return default;
                // Whoever lent the thread gets it back after one batch.
                leaveThread = _wroteOnBorrowedThread && _used > 0;
                if (!leaveThread && TryTake(out var batch))
                {
                    _wroteOnBorrowedThread = _onBorrowedThread;
                    return batch;
                }

                _onBorrowedThread = _wroteOnBorrowedThread = false;
                if (!leaveThread)
                {
                    _senderWaits = true;
                    ready = _ready.ArmAsync();
                }
            }

            if (leaveThread)
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            else
                await ready.ConfigureAwait(false);
        }
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

    private bool TakeWake(bool inline)
    {
        if (!_senderWaits || _used == 0 || (_handledHere == this && _used < DeferredBytesMax))
            return false;
        _senderWaits = false;
        _onBorrowedThread = inline;
        return true;
    }

    private NatsException NotUp() => _link == LinkState.Closed
        ? new NatsException(NatsError.Closed, "The connection is closed")
        : new NatsException(NatsError.NotConnected, "There is no connection to a server now");
}

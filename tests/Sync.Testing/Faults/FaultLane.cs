namespace Sync.Testing.Faults;

/// <summary>What happens to the bytes of one direction of a <see cref="FaultProxy"/>. Settings may change at any
/// time.</summary>
public sealed class FaultLane
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = NewSignal();
    private bool _stalled;
    private long _cutAfter = -1;
    private byte[]? _cutMarker;
    private int _cutMarkerExtra;
    private long _bytes;
    private byte[]? _holdMarker;
    private int _holdBehind;
    private TaskCompletionSource _held = NewSignal();

    /// <summary>Largest piece handed on at once; 0 = as it came. 1 splits the stream at every byte.</summary>
    public int SliceBytes { get; set; }

    /// <summary>Rate in bytes per second; 0 = unlimited.</summary>
    public int BytesPerSecond { get; set; }

    /// <summary>Time that each piece waits before it is handed on.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>The wait varies by up to this much, more or less. At most <see cref="Delay"/>.</summary>
    public TimeSpan DelayJitter { get; set; }

    /// <summary>Chance, 0..1, that a piece cuts its connection instead of going on: TCP's way to lose.</summary>
    public double CutChance { get; set; }

    /// <summary>Where <see cref="DelayJitter"/> and <see cref="CutChance"/> draw from.</summary>
    public Random Chance { get; set; } = new(0);

    /// <summary>Made for each new connection: changes its bytes on the way. Null = as they came.</summary>
    public Func<IStreamFilter>? Filter { get; set; }

    /// <summary>Bytes handed on so far in this direction, all connections.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Black hole: nothing is read or handed on any more, no connection is closed.</summary>
    public void Stall() => Change(() => _stalled = true);

    /// <summary>Ends a stall; bytes that waited go on.</summary>
    public void Resume() => Change(() => _stalled = false);

    /// <summary>Cuts the connection as soon as <paramref name="bytes"/> more bytes went this way (half a frame,
    /// usually).</summary>
    public void CutAfter(long bytes) => Change(() => _cutAfter = bytes);

    /// <summary>Cuts the connection <paramref name="extraBytes"/> after the next place where <paramref
    /// name="marker"/> occurs inside one piece: a frame is handed on by half.</summary>
    public void CutInside(ReadOnlySpan<byte> marker, int extraBytes = 0)
    {
        var copy = marker.ToArray();
        Change(() => (_cutMarker, _cutMarkerExtra) = (copy, extraBytes));
    }

    /// <summary>Stalls at the next place where <paramref name="marker"/> occurs inside one piece: so much of it passed and no
    /// more, on any connection, until <see cref="Resume"/> or <see cref="Heal"/>.</summary>
    /// <param name="marker">What to wait for.</param>
    /// <param name="passBytes">Bytes handed on, counted from the start of the marker. 0 = all before it.</param>
    /// <returns>Completes when the lane stands there.</returns>
    public Task HoldAtAsync(ReadOnlySpan<byte> marker, int passBytes = 0)
    {
        var copy = marker.ToArray();
        Change(() => (_holdMarker, _holdBehind, _held) = (copy, passBytes, NewSignal()));
        return _held.Task;
    }

    /// <summary>Back to a plain pipe. A <see cref="Filter"/> stays.</summary>
    public void Heal() => Change(() =>
    {
        (_stalled, _cutAfter, _cutMarker, _holdMarker) = (false, -1, null, null);
        (SliceBytes, BytesPerSecond, Delay, DelayJitter, CutChance) = (0, 0, TimeSpan.Zero, TimeSpan.Zero, 0);
    });

    internal async Task WaitWhileStalledAsync(CancellationToken cancel)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (!_stalled)
                    return;
                changed = _changed.Task;
            }

            await changed.WaitAsync(cancel);
        }
    }

    /// <summary>How many of these bytes may pass now, and whether the connection is cut behind them. Fewer than there are and no
    /// cut: the rest waits for the end of a stall.</summary>
    internal (int Pass, bool Cut) Admit(ReadOnlySpan<byte> piece)
    {
        lock (_gate)
        {
            if (_stalled) return (0, false);
            if (CutChance > 0 && Chance.NextDouble() < CutChance) return (0, true);
            if (_holdMarker is not null && piece.IndexOf(_holdMarker) is >= 0 and var place)
            {
                _holdMarker = null;
                _stalled = true;
                _held.TrySetResult();
                return (Math.Min(piece.Length, place + _holdBehind), false);
            }

            if (_cutMarker is not null && piece.IndexOf(_cutMarker) is >= 0 and var at)
            {
                var pass = Math.Min(piece.Length, at + _cutMarker.Length + _cutMarkerExtra);
                _cutMarker = null;
                return (pass, true);
            }

            if (_cutAfter < 0)
                return (piece.Length, false);
            if (_cutAfter > piece.Length)
            {
                _cutAfter -= piece.Length;
                return (piece.Length, false);
            }

            var rest = (int)_cutAfter;
            _cutAfter = -1;
            return (rest, true);
        }
    }

    internal void Passed(int bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>The time this piece has to wait. Ends early when a setting changes, so that healing is at
    /// once.</summary>
    internal async Task PaceAsync(int bytes, CancellationToken cancel)
    {
        Task changed;
        TimeSpan wait;
        lock (_gate)
        {
            wait = Delay + (DelayJitter * (Chance.NextDouble() * 2 - 1))
                + (BytesPerSecond > 0 ? TimeSpan.FromSeconds((double)bytes / BytesPerSecond) : TimeSpan.Zero);
            changed = _changed.Task;
        }

        if (wait <= TimeSpan.Zero)
            return;
        await changed.WaitAsync(wait, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancel.ThrowIfCancellationRequested();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            _changed.TrySetResult();
            _changed = NewSignal();
        }
    }
}

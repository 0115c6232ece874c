using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>Holds a beat until every envelope that arrived before it has been handled: a beat that overtakes them would make
/// replicas ask for what they are about to get, and most of all when they are busy. No longer than a limit, since one
/// handler that never returns must not take the beats from everyone else.
/// <para>Envelopes are counted in one of two generations, the present one. The first beat that waits ends it: what comes
/// later counts in the other one, and the beat leaves when the ended one is at zero. The next beat ends the next.</para>
/// <para>Safety: the lock guards queue, timer and the change of generation. Counting is atomic and without the lock. Whoever
/// lowers a count to zero looks for waiting beats afterwards, and whoever queues a beat says so before looking at the
/// counts, both with full fences, so one of the two sees the other. An envelope posted at the very moment of a beat is not before it; if it
/// is counted in the ended generation all the same, the next beat waits for it too.</para></summary>
internal sealed class ArrivalFence : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<Beat> _held = new();
    private readonly Action<Beat> _release;
    private readonly TimeSpan _holdMax;
    private readonly int _heldMax;
    private readonly ITimer _timer;
    private long _even;
    private long _odd;
    private int _generation;
    private int _waiting;
    private bool _ended;

    /// <param name="release">Takes a beat whose time has come; must not call back.</param>
    /// <param name="holdMax">Longest wait of a beat.</param>
    /// <param name="heldMax">Beats that may wait; beyond, the oldest leaves.</param>
    /// <param name="time">Clock of the wait.</param>
    public ArrivalFence(Action<Beat> release, TimeSpan holdMax, int heldMax, TimeProvider time)
    {
        (_release, _holdMax, _heldMax) = (release, holdMax, heldMax);
        _timer = time.CreateTimer(static state => ((ArrivalFence)state!).ReleaseAll(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>An envelope arrived.</summary>
    /// <returns>Its generation, to be given back when it was handled or dropped.</returns>
    public byte Enter()
    {
        var generation = Volatile.Read(ref _generation);
        Interlocked.Increment(ref Count(generation));
        return (byte)generation;
    }

    /// <summary>An envelope was handled or dropped.</summary>
    public void Leave(byte generation)
    {
        if (Interlocked.Decrement(ref Count(generation)) != 0 || Volatile.Read(ref _waiting) == 0) return;
        lock (_gate) Advance();
    }

    /// <summary>A beat arrived.</summary>
    public void Pass(Beat beat)
    {
        lock (_gate)
        {
            _held.Enqueue(beat);
            if (_held.Count == 1)
            {
                Interlocked.Exchange(ref _waiting, 1);
                _timer.Change(_holdMax, Timeout.InfiniteTimeSpan);
            }
            else if (_held.Count > _heldMax) _release(_held.Dequeue());
            Advance();
        }
    }

    public void Dispose() => _timer.Dispose();

    // Under the lock.
    private void Advance()
    {
        while (_held.Count > 0)
        {
            if (!_ended)
            {
                // What slipped into the other generation at the last change is waited for first.
                if (Interlocked.Read(ref Count(1 - _generation)) != 0) return;
                Volatile.Write(ref _generation, 1 - _generation);
                Interlocked.MemoryBarrier();
                _ended = true;
            }
            if (Interlocked.Read(ref Count(1 - _generation)) != 0) return;
            _ended = false;
            // The timer stays as it is: those behind leave no later than what it was set for.
            _release(_held.Dequeue());
        }
        Interlocked.Exchange(ref _waiting, 0);
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private void ReleaseAll()
    {
        lock (_gate)
        {
            while (_held.TryDequeue(out var beat)) _release(beat);
            _ended = false;
            Interlocked.Exchange(ref _waiting, 0);
        }
    }

    private ref long Count(int generation)
    {
        if (generation == 0) return ref _even;
        return ref _odd;
    }
}

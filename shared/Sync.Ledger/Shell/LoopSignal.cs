using System.Threading.Tasks.Sources;

namespace Sync.Ledger;

/// <summary>Wakes one loop: any number of <see cref="Set"/> calls make it run at least once more. Allocates
/// nothing.</summary>
/// <remarks>Safe from any thread for <see cref="Set"/>; <see cref="WaitAsync"/> is for the one loop. Of the three
/// states only the change from waited to set completes the source, so it completes once a wait. The loop takes the
/// flag down before it looks at its inbox; what is posted later sets it again, so nothing that was posted is
/// overlooked.
/// <para>An inline signal runs the waiting loop on the thread that sets it: no second thread is woken for what one can
/// do. Set it outside locks, and let a loop that never comes to rest move on to a thread of its own.</para></remarks>
internal sealed class LoopSignal(bool isInline = false) : IValueTaskSource
{
    private const int Idle = 0;
    private const int IsSet = 1;
    private const int Waited = 2;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = !isInline };
    private int _state;

    public void Set()
    {
        if (Interlocked.Exchange(ref _state, IsSet) == Waited) _source.SetResult(true);
    }

    public ValueTask WaitAsync()
    {
        if (Interlocked.CompareExchange(ref _state, Waited, Idle) == Idle) return new(this, _source.Version);
        Interlocked.Exchange(ref _state, Idle);
        return default;
    }

    void IValueTaskSource.GetResult(short token)
    {
        _source.GetResult(token);
        _source.Reset();
        Interlocked.Exchange(ref _state, Idle);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

using System.Threading.Tasks.Sources;

namespace Sync.Nats.Internal;

/// <summary>
/// Wakes the one sender without allocating. Safe because Arm and the decision to Fire are both made under the send
/// buffer's lock: exactly one Fire follows each Arm, and the next Arm comes only after the sender has awaited the one
/// before.
/// </summary>
internal sealed class ReadySignal : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;

    public ValueTask ArmAsync()
    {
        _core.Reset();
        return new ValueTask(this, _core.Version);
    }

    /// <summary>Wakes the sender on the pool, or lets it run on this thread until it has to wait.</summary>
    public void Fire(bool inline)
    {
        _core.RunContinuationsAsynchronously = !inline;
        _core.SetResult(true);
    }

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

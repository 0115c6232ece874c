using System.Threading.Tasks.Sources;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A single write that somebody awaits.</summary>
internal abstract class AwaitedWrite(WriteCommand command, TimeSpan deadline, WriteOrder? order)
    : WriteRequest(command, deadline, order)
{
    public abstract void Answer(WriteResult result);
}

/// <summary>A single write and the one who awaits it: request and task in one object. The first of the core and the
/// caller's cancellation to claim it answers; the other's answer is dropped.</summary>
internal sealed class PendingWrite(WriteCommand command, TimeSpan deadline, WriteOrder? order)
    : AwaitedWrite(command, deadline, order), IValueTaskSource<WriteResult>
{
    // Continuations leave the sequencer's loop alone: it must not run the callers' code.
    private ManualResetValueTaskSourceCore<WriteResult> _source = new() { RunContinuationsAsynchronously = true };
    private int _isClaimed;

    public ValueTask<WriteResult> Task => new(this, _source.Version);

    public override void Answer(WriteResult result)
    {
        if (Interlocked.Exchange(ref _isClaimed, 1) == 0) _source.SetResult(result);
    }

    public WriteResult GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);
}

/// <summary>An atomic batch and the one who awaits it.</summary>
internal sealed class PendingBatch(IReadOnlyList<WriteCommand> commands, TimeSpan deadline)
    : WriteRequest(commands, deadline)
{
    private readonly TaskCompletionSource<AtomicResult> _source =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<AtomicResult> Task => _source.Task;

    public void Answer(AtomicResult result) => _source.TrySetResult(result);
}

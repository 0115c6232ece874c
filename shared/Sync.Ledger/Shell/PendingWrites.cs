using System.Threading.Tasks.Sources;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The writes of one request to one feed, each decided for itself and awaited together: whoever asked is woken
/// once, not once a write.</summary>
/// <remarks>Each result is written once, by the loop that answers; the last answer publishes all of them to the one who
/// awaits.</remarks>
internal sealed class PendingWrites : IValueTaskSource
{
    private readonly WriteResult[] _results;
    // Continuations leave the sequencer's loop alone: it must not run the callers' code.
    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private int _open;

    public PendingWrites(IReadOnlyList<WriteCommand> commands, TimeSpan deadline, WriteOrder order)
    {
        _open = commands.Count;
        _results = new WriteResult[commands.Count];
        Requests = new WriteRequest[commands.Count];
        for (var index = 0; index < Requests.Length; index++)
            Requests[index] = new Member(this, index, commands[index], deadline, order);
    }

    public WriteRequest[] Requests { get; }

    public WriteResult[] Results => _results;

    public ValueTask Task => new(this, _source.Version);

    public void GetResult(short token) => _source.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private sealed class Member(
        PendingWrites all, int index, WriteCommand command, TimeSpan deadline, WriteOrder order)
        : AwaitedWrite(command, deadline, order)
    {
        public override void Answer(WriteResult result)
        {
            all._results[index] = result;
            if (Interlocked.Decrement(ref all._open) == 0) all._source.SetResult(true);
        }
    }
}

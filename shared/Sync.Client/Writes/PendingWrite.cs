using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A write on its way, owned by one lane. The caller holds only the task.</summary>
internal sealed class PendingWrite(WriteCommand command, long deadline)
{
    private readonly TaskCompletionSource<WriteResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public WriteCommand Command => command;

    /// <summary>Timestamp of the time provider behind which it is not sent again.</summary>
    public long Deadline => deadline;

    /// <summary>True once a request that carried it may have reached a writer and its answer did not come.</summary>
    public bool MayBeCommitted { get; set; }

    /// <summary>The last transient refusal, for the final answer; null when no writer answered.</summary>
    public Refusal? LastRefusal { get; set; }

    /// <summary>What the last attempt failed with.</summary>
    public string LastFailure { get; set; } = "no writer answered";

    public Task<WriteResult> Result => _completion.Task;

    public void Complete(WriteResult result) => _completion.TrySetResult(result);

    /// <summary>Gives up: unknown when it may have been committed, else refused.</summary>
    public void GiveUp(string reason) => Complete(
        MayBeCommitted
            ? new WriteResult.Unknown($"{reason}: {LastFailure}; repeat with idempotency key {command.IdempotencyKey} to find out")
            : new WriteResult.Refused(LastRefusal ?? new Refusal(RefusalCode.NoOwner, $"{reason}: {LastFailure}")));
}

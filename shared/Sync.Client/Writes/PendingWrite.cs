using System.Diagnostics;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A write on its way, owned by one lane. The caller holds only the task.
/// <para>Safety: it ends once, whoever is first; the other members belong to the lane.</para></summary>
internal sealed class PendingWrite
{
    private readonly TaskCompletionSource<WriteResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<string> _ended;
    private int _isDone;

    /// <param name="command">The change, with an idempotency key.</param>
    /// <param name="deadline">Timestamp of the time provider behind which it is not sent again.</param>
    /// <param name="ended">Told the outcome once, before the caller is.</param>
    public PendingWrite(WriteCommand command, long deadline, Action<string> ended)
    {
        (Command, Deadline, _ended) = (command, deadline, ended);
        Node = new LinkedListNode<PendingWrite>(this);
        if (ClientTelemetry.Activities.HasListeners()) Caller = Activity.Current?.Context ?? default;
    }

    public WriteCommand Command { get; }

    public long Deadline { get; }

    /// <summary>Its place in the lane's queue; in no list while a request carries it.</summary>
    public LinkedListNode<PendingWrite> Node { get; }

    /// <summary>The activity that asked for it; default = none.</summary>
    public ActivityContext Caller { get; }

    /// <summary>True once a request that carried it may have reached a writer and its answer did not come.</summary>
    public bool MayBeCommitted { get; set; }

    /// <summary>Requests that carried it without a final answer.</summary>
    public int Failures { get; set; }

    /// <summary>Timestamp before which it is not sent again; 0 = at once.</summary>
    public long NotBefore { get; set; }

    /// <summary>The last passing refusal, for the final answer; null when no writer answered.</summary>
    public Refusal? LastRefusal { get; set; }

    /// <summary>What the last attempt failed with.</summary>
    public string LastFailure { get; set; } = "it was not sent";

    public bool IsDone => Volatile.Read(ref _isDone) != 0;

    public Task<WriteResult> Result => _completion.Task;

    public void Complete(WriteResult result)
    {
        // The place is free before the caller goes on: it may write again at once.
        if (TryEnd(NameOf(result))) _completion.SetResult(result);
    }

    /// <summary>Ends it for a caller that no longer waits and was never sent anything.</summary>
    public void Withdraw()
    {
        if (TryEnd("withdrawn")) _completion.SetCanceled();
    }

    /// <summary>Gives up: unknown when it may have been committed, else refused.</summary>
    public void GiveUp(string reason) => Complete(
        MayBeCommitted
            ? new WriteResult.Unknown($"{reason}: {LastFailure}; repeat with idempotency key {Command.IdempotencyKey} to find out")
            : new WriteResult.Refused(LastRefusal ?? new Refusal(RefusalCode.NoOwner, $"{reason}: {LastFailure}")));

    private bool TryEnd(string outcome)
    {
        if (Interlocked.Exchange(ref _isDone, 1) != 0) return false;
        _ended(outcome);
        return true;
    }

    private static string NameOf(WriteResult result) => result switch
    {
        WriteResult.Committed { Replayed: true } => "replayed",
        WriteResult.Committed => "committed",
        WriteResult.Refused => "refused",
        _ => "unknown",
    };
}

using System.Diagnostics;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A write on its way, owned by one lane. The caller holds only the task.
/// <para>Safety: it ends once, whoever is first, and whoever ends it tells the caller; the other members belong to the
/// lane.</para></summary>
internal sealed class PendingWrite : IThreadPoolWorkItem
{
    // Continuations run where Tell is called: on a pool thread of their own, or where the lane has let go of everything.
    private readonly TaskCompletionSource<WriteResult> _completion = new();
    private static readonly WriteResult Withdrawn = new WriteResult.Unknown("nobody waits for it");
    private readonly Action<string> _ended;
    private WriteResult? _outcome;

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

    /// <summary>True once a request that carried it may have reached a writer and its answer did not come, or said that the
    /// outcome is unknown. It stays so: that attempt may wait anywhere, and commit late.</summary>
    public bool MayBeCommitted { get; set; }

    /// <summary>Requests that carried it without a final answer.</summary>
    public int Failures { get; set; }

    /// <summary>Timestamp before which it is not sent again; 0 = at once.</summary>
    public long NotBefore { get; set; }

    /// <summary>The last passing refusal, for the final answer; null when no writer answered.</summary>
    public Refusal? LastRefusal { get; set; }

    /// <summary>What the last attempt failed with.</summary>
    public string LastFailure { get; set; } = "it was not sent";

    /// <summary>The lane tells the caller itself when this ends; else a pool thread does.</summary>
    public bool IsToldByLane { get; set; }

    public bool IsDone => Volatile.Read(ref _outcome) is not null;

    public Task<WriteResult> Result => _completion.Task;

    public void Complete(WriteResult result)
    {
        // The place is free before the caller goes on: it may write again at once.
        if (TryEnd(result, NameOf(result)) && !IsToldByLane) TellLater();
    }

    /// <summary>Tells the caller, whose code goes on in this call. Once it was told, this does nothing.</summary>
    public void Tell()
    {
        if (ReferenceEquals(_outcome, Withdrawn)) _completion.TrySetCanceled();
        else _completion.TrySetResult(_outcome!);
    }

    /// <summary>Tells the caller on a pool thread.</summary>
    public void TellLater() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    void IThreadPoolWorkItem.Execute() => Tell();

    /// <summary>Ends it for a caller that no longer waits and was never sent anything.</summary>
    public void Withdraw()
    {
        if (TryEnd(Withdrawn, "withdrawn")) TellLater();
    }

    /// <summary>Ends it with a final refusal; as unknown when an earlier attempt may commit in spite of it.</summary>
    public void Refuse(Refusal refusal) => Complete(refusal.ToResult(Command, MayBeCommitted) switch
    {
        WriteResult.Unknown open => new WriteResult.Unknown($"{open.Reason}; {HowToFindOut}"),
        var refused => refused,
    });

    /// <summary>Gives up: unknown when it may have been committed, else refused.</summary>
    public void GiveUp(string reason) => Complete(
        MayBeCommitted
            ? new WriteResult.Unknown($"{reason}: {LastFailure}; {HowToFindOut}")
            : new WriteResult.Refused(LastRefusal ?? new Refusal(RefusalCode.NoOwner, $"{reason}: {LastFailure}")));

    private string HowToFindOut => $"repeat with idempotency key {Command.IdempotencyKey} to find out";

    private bool TryEnd(WriteResult outcome, string name)
    {
        if (Interlocked.CompareExchange(ref _outcome, outcome, null) is not null) return false;
        _ended(name);
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

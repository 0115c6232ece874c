using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Writer.Bus;

/// <summary>A write, or an atomic list of writes, that waits for another process's answer. Owned by its lane's loop
/// once queued.</summary>
internal sealed class ForwardedWrite(
    IReadOnlyList<WriteCommand> commands, bool isAtomic, TimeSpan deadline, WriteOrder? order)
{
    private readonly TaskCompletionSource<IReadOnlyList<WriteResult>> _answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<WriteCommand> Commands => commands;

    public bool IsAtomic => isAtomic;

    /// <summary>On the steady clock: no attempt begins after it.</summary>
    public TimeSpan Deadline => deadline;

    /// <summary>An attempt was sent and not answered: it may be committed, or commit late.</summary>
    public bool MayBeCommitted { get; set; }

    /// <summary>Why the last attempt was refused for a passing reason.</summary>
    public Refusal? LastRefusal { get; set; }

    /// <summary>Repeating is safe: every command commits once.</summary>
    public bool IsRepeatable => commands.All(command => command.IdempotencyKey is not null);

    public bool IsAnswered => _answer.Task.IsCompleted;

    public Task<IReadOnlyList<WriteResult>> Answer => _answer.Task;

    public long Bytes => commands.Sum(command => (long)command.Value.Length + 1024);

    /// <summary>An earlier write of its key in the same request failed.</summary>
    public bool IsOvertaking => order?.IsBroken(commands[0].Key) == true;

    public void Complete(IReadOnlyList<WriteResult> results)
    {
        order?.Note(commands[0].Key, results[0]);
        _answer.TrySetResult(results);
    }

    /// <summary>Completes it with an owner's final answer; as unknown when it is refused, and an earlier attempt may commit in
    /// spite of that. An atomic list stays refused when one of its lines does.</summary>
    public void Conclude(IReadOnlyList<WriteResult> results)
    {
        WriteResult? open = null;
        for (var line = 0; line < results.Count; line++)
        {
            if (results[line] is not WriteResult.Refused { Refusal: var refusal }) continue;
            var told = refusal.ToResult(commands[line], MayBeCommitted);
            if (told is WriteResult.Refused)
            {
                Complete(results);
                return;
            }
            // Of an atomic list, the line that carries the reason.
            if (open is null || refusal.Code != RefusalCode.InvalidBatch) open = told;
        }
        if (open is null) Complete(results);
        else Complete(open);
    }

    public void Complete(WriteResult forAll) => Complete(Enumerable.Repeat(forAll, commands.Count).ToArray());

    /// <summary>The outcomes of an atomic list as one. All committed, or none: then one line carries the reason, and
    /// the others say that the batch was refused.</summary>
    public static AtomicResult ToAtomic(IReadOnlyList<WriteResult> results)
    {
        if (results.All(result => result is WriteResult.Committed))
            return new AtomicResult.Committed(results.Cast<WriteResult.Committed>().ToArray());
        if (results.OfType<WriteResult.Unknown>().FirstOrDefault() is { } unknown)
            return new AtomicResult.Unknown(unknown.Reason);
        var refusals = results.OfType<WriteResult.Refused>().Select(result => result.Refusal).ToArray();
        var line = Array.FindIndex(refusals, refusal => refusal.Code != RefusalCode.InvalidBatch);
        if (line < 0 || refusals.All(refusal => refusal.Code == refusals[line].Code
            && refusal.Detail == refusals[line].Detail))
            return new AtomicResult.Refused(results.Count == 1 && line == 0 ? 0 : null, refusals[Math.Max(0, line)]);
        return new AtomicResult.Refused(line, refusals[line]);
    }

    /// <summary>The other direction of <see cref="ToAtomic"/>.</summary>
    public static IReadOnlyList<WriteResult> FromAtomic(AtomicResult result, int count) => result switch
    {
        AtomicResult.Committed committed => committed.Lines,
        AtomicResult.Unknown unknown =>
            Enumerable.Repeat<WriteResult>(new WriteResult.Unknown(unknown.Reason), count).ToArray(),
        AtomicResult.Refused refused =>
            Enumerable.Range(0, count).Select(index => (WriteResult)new WriteResult.Refused(
            refused.Line is null || refused.Line == index
                ? refused.Refusal
                : new Refusal(RefusalCode.InvalidBatch, "Another line of the atomic batch was refused."))).ToArray(),
        _ => throw new InvalidOperationException("An atomic result has three cases."),
    };
}

using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>A request as the writer sees it, and whose it is.</summary>
internal sealed class SimRequest : WriteRequest
{
    public SimRequest(Attempt attempt, WriteCommand command, TimeSpan deadline, Action<WriteCompletion> answered,
        WriteOrder? order = null)
        : base(command, deadline, order) => (Attempt, Answered, Keeps) = (attempt, answered, order);

    private SimRequest(Attempt attempt, IReadOnlyList<WriteCommand> commands, TimeSpan deadline,
        Action<WriteCompletion> answered)
        : base(commands, deadline) => (Attempt, Answered) = (attempt, answered);

    public Attempt Attempt { get; }
    public Action<WriteCompletion> Answered { get; }

    /// <summary>The order of the lines of its request.</summary>
    public WriteOrder? Keeps { get; }

    /// <summary>The request of an attempt, with its name and its idempotency keys.</summary>
    public static SimRequest Of(Attempt attempt, TimeSpan deadline, Action<WriteCompletion> answered)
    {
        var commands = new WriteCommand[attempt.Write.Commands.Count];
        for (var index = 0; index < commands.Length; index++)
            commands[index] = attempt.Write.Commands[index] with
            {
                Producer = new("sim", attempt.Name),
                IdempotencyKey = attempt.KeyOf(attempt.Write.Commands[index]),
            };
        return attempt.Write.IsAtomic
            ? new SimRequest(attempt, commands, deadline, answered)
            : new SimRequest(attempt, commands[0], deadline, answered);
    }

    /// <summary>This request's answer.</summary>
    public WriteCompletion AnswerOf(WriteResult result) => new(this, IsAtomic ? null : result, !IsAtomic ? null : result switch
    {
        WriteResult.Refused refused => new AtomicResult.Refused(null, refused.Refusal),
        WriteResult.Unknown unknown => new AtomicResult.Unknown(unknown.Reason),
        _ => throw new InvalidOperationException("Receipts of a list come as a list."),
    });

    /// <summary>An answer as the result of one line: of a list, of the line that it was refused for.</summary>
    public static (WriteResult Result, int Line) ResultOf(WriteCompletion completion) => completion.Atomic switch
    {
        null => (completion.Result!, 0),
        AtomicResult.Committed committed => (committed.Lines[0], 0),
        AtomicResult.Refused refused => (new WriteResult.Refused(refused.Refusal), refused.Line ?? 0),
        var unknown => (new WriteResult.Unknown(((AtomicResult.Unknown)unknown).Reason), 0),
    };
}

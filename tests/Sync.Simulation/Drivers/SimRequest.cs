using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>A request as the writer sees it, and whose it is.</summary>
internal sealed class SimRequest : WriteRequest
{
    public SimRequest(Attempt attempt, WriteCommand command, TimeSpan deadline, Action<WriteCompletion> answered,
        WriteOrder? order = null)
        : base(command, deadline, order) => (Attempt, Answered, Keeps) = (attempt, answered, order);

    public SimRequest(Attempt attempt, IReadOnlyList<WriteCommand> commands, TimeSpan deadline,
        Action<WriteCompletion> answered)
        : base(commands, deadline) => (Attempt, Answered) = (attempt, answered);

    public Attempt Attempt { get; }
    public Action<WriteCompletion> Answered { get; }

    /// <summary>The order of the lines of its request.</summary>
    public WriteOrder? Keeps { get; }
}

using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>One of the three outcomes of an atomic batch.</summary>
public abstract record AtomicResult
{
    private AtomicResult() { }

    /// <summary>All lines are durable, together.</summary>
    /// <param name="Lines">One for each line, in order. A line whose idempotency key had committed before answers its
    /// first receipt; the others committed in one group.</param>
    public sealed record Committed(IReadOnlyList<WriteResult.Committed> Lines) : AtomicResult;

    /// <summary>No line was committed by this request.</summary>
    /// <param name="Line">Index of the failing line from 0; null when it is about the batch as a whole.</param>
    /// <param name="Refusal">Why, and what to do.</param>
    public sealed record Refused(int? Line, Refusal Refusal) : AtomicResult;

    /// <summary>All lines are committed or none: nobody can say now. Repeat with the same idempotency keys to find
    /// out.</summary>
    /// <param name="Reason">What happened.</param>
    public sealed record Unknown(string Reason) : AtomicResult;
}

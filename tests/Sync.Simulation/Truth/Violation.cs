namespace Sync.Simulation;

/// <summary>An invariant does not hold.</summary>
internal sealed class Violation(string invariant, string detail) : Exception($"{invariant}: {detail}")
{
    public string Invariant => invariant;

    /// <summary>For checks that are too rare to mind the closure.</summary>
    public static void Unless(bool holds, string invariant, Func<string> detail)
    {
        if (!holds) throw new Violation(invariant, detail());
    }
}

/// <summary>The names of the invariants, as tests and failures give them.</summary>
internal static class Invariants
{
    public const string Durable = "R1 acknowledged is durable";
    public const string Told = "R1 told refused is never committed";
    public const string Published = "R1 every fact is published";
    public const string Dense = "R2 dense, one value each";
    public const string Cursor = "R3 no cursor skips";
    public const string Once = "R4 an idempotency key commits once";
    public const string Refused = "R4 refused is not committed";
    public const string Shown = "R5 only what passed the gates is shown";
    public const string Forward = "R5 no sequence goes back";
    public const string Converged = "R6 replicas equal the heads";
    public const string Fresh = "R6 freshness is true";
    public const string NoStorm = "R6b no refetch loop";
    public const string Noticed = "R6c a skipped sequence is noticed";
    public const string InOrder = "R6d a backfill shows every change";
    public const string Fenced = "R9 a fenced writer commits nothing";
    public const string Repeated = "R4b a repeated line ends where it was sent, in order";
    public const string True = "R4c a refusal is true";
    public const string Bounded = "R12 nothing exceeds its bound";
    public const string Progress = "L1 who is not handicapped goes on";
    public const string Ends = "L2 time goes on and a history ends";
    public const string Answered = "every write is answered";
    public const string Threw = "no core throws";
}

namespace Sync.ChaosTests.Check;

/// <summary>What a check found.</summary>
/// <param name="Broken">Broken invariants, worst first, bounded; none = all held.</param>
/// <param name="Convergence">Time from the last <c>ready</c> of faults.ndjson until every replica showed every head
/// that stood then; null = not within the bound (that is a finding) or nothing to measure.</param>
/// <param name="Counters">What occurred so far, by name (unknown outcomes, take-overs, …), to see that the run was not
/// vacuous.</param>
internal sealed record Findings(
    IReadOnlyList<Finding> Broken, TimeSpan? Convergence, IReadOnlyDictionary<string, long> Counters)
{
    public bool Hold => Broken.Count == 0;
}

/// <summary>A broken invariant.</summary>
/// <param name="Invariant">R1 to R12.</param>
/// <param name="What">One sentence.</param>
/// <param name="Facts">The offending lines of logs and rows of the ledger, bounded.</param>
internal sealed record Finding(string Invariant, string What, IReadOnlyList<string> Facts);

using Sync.ChaosTests.Check;

namespace Sync.ChaosTests.Schedule;

/// <summary>What came of a round.</summary>
/// <param name="Round">Which.</param>
/// <param name="Ready">From the heal of the last fault until every process answered.</param>
/// <param name="Findings">What the check found then.</param>
/// <param name="Allowance">By what the bound was multiplied: see <see cref="MachinePace"/>.</param>
internal sealed record RoundResult(Round Round, TimeSpan Ready, Findings Findings, double Allowance);

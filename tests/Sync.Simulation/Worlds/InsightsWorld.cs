using System.Globalization;
using Sync.Simulation.Insights;

namespace Sync.Simulation.Worlds;

/// <summary>Hosts that keep summaries.</summary>
internal sealed class InsightsWorld : SimWorld
{
    public override string Name => "insights";
    public override string About => "hosts that keep summaries: crashes, redelivery, retries, dead letters";
    public override ulong Seed => 80_000_000;
    public override int Histories => 10_000;
    public override int HistoriesToReachAll => 1000;

    public override IReadOnlyList<string> Demanded =>
    [
        "insight: redelivered", "insight: retried", "insight: coalesced", "insight: dead letter",
        "insight: dead letter at rest", "insight: summary current at rest", "insight: crash",
        "insight: crash between derive and write", "insight: write of a dead host", "insight: request lost",
        "insight: request doubled", "insight: race for a summary lost", "insight: unknown outcome, written",
        "insight: unknown outcome, not written", "insight: restore", "insight: everything compared anew after a reset",
        "insight: comparison failed", "insight: derivation late", "insight: changes laid over the pages of a read",
    ];

    public override SimEnding Run(ulong seed, SimFaults faults, Coverage coverage)
    {
        var ending = InsightHistory.Run(InsightPlan.Of(seed), faults.Insight, coverage);
        return new(seed, ending.Violation, ending.Step, () => Shrunk(ending, faults));
    }

    private static string Shrunk(InsightEnding failed, SimFaults faults)
    {
        var best = InsightHistory.Shrink(failed, faults.Insight);
        return string.Create(CultureInfo.InvariantCulture,
            $"""
            Seed {failed.Plan.Seed}: {failed.Violation!.Message}
            at step {failed.Step} of {failed.Plan.Steps}, {failed.Plan.Hosts} hosts, faults {failed.Plan.Kinds}
            Shrunk to {best.Plan.Steps} steps, {best.Plan.Hosts} hosts, {best.Plan.Shards} shards, faults {best.Plan.Kinds}:
            {best.Violation!.Message}
            Its last lines:
            {best.Tail}
            """);
    }
}

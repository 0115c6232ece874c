using System.Globalization;
using Sync.Simulation.Changefeeds;

namespace Sync.Simulation.Worlds;

/// <summary>Readers of a changefeed.</summary>
internal sealed class ChangefeedsWorld : SimWorld
{
    public override string Name => "changefeeds";
    public override string About => "readers of a changefeed: cursors, resets, take-over, retention, slow readers";
    public override ulong Seed => 60_000_000;
    public override int Histories => 20_000;
    public override int HistoriesToReachAll => 2000;

    public override IReadOnlyList<string> Demanded =>
    [
        "changefeed: reset, ahead", "changefeed: reset, other history", "changefeed: reset, below the floor",
        "changefeed: slow reader cut", "changefeed: resume by cursor", "changefeed: cut",
        "changefeed: dropped to the latest", "changefeed: take-over", "changefeed: fenced owner",
        "changefeed: unknown commit, done", "changefeed: unknown commit, not done", "changefeed: beat lost",
        "changefeed: read from the ledger", "changefeed: read failed", "changefeed: floor moved", "changefeed: restore",
        "changefeed: replay compared",
    ];

    public override SimEnding Run(ulong seed, SimFaults faults, Coverage coverage)
    {
        var ending = FeedHistory.Run(FeedPlan.Of(seed), faults.Ledger, faults.Feed, coverage);
        return new(seed, ending.Violation, ending.Step, () => Shrunk(ending, faults));
    }

    private static string Shrunk(FeedEnding failed, SimFaults faults)
    {
        var best = FeedHistory.Shrink(failed, faults.Ledger, faults.Feed);
        return string.Create(CultureInfo.InvariantCulture,
            $"""
            Seed {failed.Plan.Seed}: {failed.Violation!.Message}
            at step {failed.Step} of {failed.Plan.Steps}, {failed.Plan.Readers} readers, faults {failed.Plan.Kinds}
            Shrunk to {best.Plan.Steps} steps, {best.Plan.Readers} readers, faults {best.Plan.Kinds}:
            {best.Violation!.Message}
            Its last lines:
            {best.Tail}
            """);
    }
}

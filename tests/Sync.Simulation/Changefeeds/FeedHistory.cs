using Sync.Ledger;
using Sync.Simulation.Worlds;

namespace Sync.Simulation.Changefeeds;

/// <summary>How a changefeed history ended.</summary>
internal sealed record FeedEnding(FeedPlan Plan, Violation? Violation, int Step, ulong Hash, string Tail);

/// <summary>Runs changefeed histories, and makes a failing one small.</summary>
internal static class FeedHistory
{
    public static FeedEnding Run(
        FeedPlan plan, PlantedFaults? faults = null, FeedModelFaults? model = null, Coverage? coverage = null)
    {
        var world = new FeedWorld(
            plan, faults ?? PlantedFaults.None, model ?? FeedModelFaults.None, coverage ?? new Coverage());
        var violation = SimEnding.Caught(world.Run);
        return new(plan, violation, world.Step, world.Hash, violation is null ? "" : world.Tail);
    }

    /// <summary>Fewer kinds of faults, then fewer steps and readers, as long as the same invariant fails.</summary>
    public static FeedEnding Shrink(FeedEnding failed, PlantedFaults? faults = null, FeedModelFaults? model = null)
    {
        var best = failed;
        for (var bit = 1; bit < (int)FeedFaultKinds.All; bit <<= 1)
            if (best.Plan.Has((FeedFaultKinds)bit)) Try(best.Plan with { Kinds = best.Plan.Kinds & ~(FeedFaultKinds)bit });
        for (var cut = best.Plan.Steps / 2; cut >= 1; cut /= 2)
            while (best.Plan.Steps > cut && Try(best.Plan with { Steps = best.Plan.Steps - cut })) { }
        while (best.Plan.Readers > 1 && Try(best.Plan with { Readers = best.Plan.Readers - 1 })) { }
        return best;

        bool Try(FeedPlan smaller)
        {
            var ending = Run(smaller, faults, model);
            if (ending.Violation?.Invariant != failed.Violation!.Invariant) return false;
            best = ending;
            return true;
        }
    }
}

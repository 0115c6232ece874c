using Sync.Lobby.Insights;
using Sync.Simulation.Worlds;

namespace Sync.Simulation.Insights;

/// <summary>How an Insight history ended.</summary>
internal sealed record InsightEnding(InsightPlan Plan, Violation? Violation, int Step, ulong Hash, string Tail);

/// <summary>Runs Insight histories, and makes a failing one small.</summary>
internal static class InsightHistory
{
    public static InsightEnding Run(InsightPlan plan, PlantedFaults? faults = null, Coverage? coverage = null)
    {
        // What a step answers goes on within that step, not later by somebody's context.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var world = new InsightWorld(plan, faults ?? PlantedFaults.None, coverage ?? new Coverage());
            var violation = SimEnding.Caught(world.Run);
            return new(plan, violation, world.Step, world.Hash, violation is null ? "" : world.Tail);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Fewer kinds of faults, then fewer steps, hosts and shards, as long as the same invariant
    /// fails.</summary>
    public static InsightEnding Shrink(InsightEnding failed, PlantedFaults? faults = null)
    {
        var best = failed;
        for (var bit = 1; bit < (int)InsightFaultKinds.All; bit <<= 1)
            if (best.Plan.Has((InsightFaultKinds)bit)) Try(best.Plan with { Kinds = best.Plan.Kinds & ~(InsightFaultKinds)bit });
        if (best.Plan.Hosts > 1) Try(best.Plan with { Hosts = 1 });
        while (best.Plan.Shards > 1 && Try(best.Plan with { Shards = best.Plan.Shards - 1 })) { }
        for (var cut = best.Plan.Steps / 2; cut >= 1; cut /= 2)
            while (best.Plan.Steps > cut && Try(best.Plan with { Steps = best.Plan.Steps - cut })) { }
        return best;

        bool Try(InsightPlan smaller)
        {
            var ending = Run(smaller, faults);
            if (ending.Violation?.Invariant != failed.Violation!.Invariant) return false;
            best = ending;
            return true;
        }
    }
}

using System.Globalization;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>How a collection history ended.</summary>
internal sealed record CollectionEnding(CollectionPlan Plan, Violation? Violation, int Step, ulong Hash);

/// <summary>Runs collection histories, and makes a failing one small.</summary>
internal static class CollectionHistory
{
    private const int LinesMax = 80;

    public static CollectionEnding Run(
        CollectionPlan plan, CollectionPlantedFaults? faults = null, Coverage? coverage = null,
        List<string>? trace = null)
    {
        var world = new CollectionWorld(plan, faults ?? CollectionPlantedFaults.None, coverage, trace);
        Violation? violation = null;
        try
        {
            world.Run();
        }
        catch (Violation found)
        {
            violation = found;
        }
        catch (Exception exception)
        {
            violation = new Violation(CollectionInvariants.Threw, exception.ToString());
        }
        return new(plan, violation, world.Step, world.Hash);
    }

    /// <summary>Fewer kinds of faults, then fewer steps, as long as the same invariant fails.</summary>
    public static CollectionEnding Shrink(CollectionEnding failed, CollectionPlantedFaults? faults = null)
    {
        var best = failed;
        WithFewerKinds();
        for (var cut = best.Plan.Steps / 2; cut >= 1; cut /= 2)
            while (best.Plan.Steps > cut && Try(best.Plan with { Steps = best.Plan.Steps - cut })) { }
        WithFewerKinds();
        return best;

        void WithFewerKinds()
        {
            for (var bit = 1; bit < (int)CollectionFaultKinds.All; bit <<= 1)
            {
                var kind = (CollectionFaultKinds)bit;
                if (best.Plan.Has(kind)) Try(best.Plan with { Kinds = best.Plan.Kinds & ~kind });
            }
        }

        bool Try(CollectionPlan smaller)
        {
            var ending = Run(smaller, faults);
            if (ending.Violation?.Invariant != failed.Violation!.Invariant) return false;
            best = ending;
            return true;
        }
    }

    public static string Describe(CollectionEnding failed, CollectionPlantedFaults? faults = null)
    {
        var shrunk = Shrink(failed, faults);
        var lines = new List<string>();
        Run(shrunk.Plan, faults, trace: lines);
        return string.Create(CultureInfo.InvariantCulture,
            $"""
            Seed {failed.Plan.Seed}: {failed.Violation!.Message}
            at step {failed.Step} of {failed.Plan.Steps}, faults {failed.Plan.Kinds}
            Replay: SYNC_SIM_SEED={failed.Plan.Seed} SYNC_SIM_HISTORIES=1
            Shrunk to {shrunk.Plan.Steps} steps, faults {shrunk.Plan.Kinds}, scope {shrunk.Plan.Scope}:
            {shrunk.Violation!.Message}
            Its last lines:
            {string.Join('\n', lines.TakeLast(LinesMax))}
            """);
    }
}

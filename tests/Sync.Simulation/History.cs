using System.Globalization;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;

namespace Sync.Simulation;

/// <summary>How a history ended.</summary>
internal sealed record Ending(Plan Plan, Violation? Violation, long Steps, TimeSpan At, ulong Hash, Coverage Coverage,
    string Tail);

/// <summary>Runs histories, and makes a failing one small.</summary>
internal static class History
{
    private const int ShrinkRunsMax = 80;

    public static Ending Run(Plan plan, LedgerFaults? ledger = null, ReplicaFaults? replica = null)
    {
        var world = new World(plan, ledger, replica);
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
            violation = new Violation(Invariants.Threw, exception.ToString());
        }
        return new(plan, violation, world.Schedule.Steps, world.Schedule.Now, world.Trace.Hash, world.Coverage,
            violation is null ? "" : world.Trace.Tail());
    }

    /// <summary>Fewer operations, then fewer kinds of faults, as long as the same invariant fails.</summary>
    public static Ending Shrink(Ending failed, LedgerFaults? ledger = null, ReplicaFaults? replica = null)
    {
        var best = failed;
        var runs = 0;
        for (var step = best.Plan.Operations / 2; step >= 1; step /= 2)
            while (best.Plan.Operations > step && Try(best.Plan with { Operations = best.Plan.Operations - step })) { }
        for (var kind = 1; kind < (int)FaultKinds.All; kind <<= 1)
            if (((int)best.Plan.Kinds & kind) != 0) Try(best.Plan with { Kinds = best.Plan.Kinds & ~(FaultKinds)kind });
        if (best.Plan.Hosts > 1) Try(best.Plan with { Hosts = 1 });
        return best;

        bool Try(Plan smaller)
        {
            if (++runs > ShrinkRunsMax) return false;
            var ending = Run(smaller, ledger, replica);
            if (ending.Violation?.Invariant != failed.Violation!.Invariant) return false;
            best = ending;
            return true;
        }
    }

    public static string Describe(Ending failed, Ending shrunk) => string.Create(CultureInfo.InvariantCulture,
        $"""
        Seed {failed.Plan.Seed}: {failed.Violation!.Message}
        at step {failed.Steps}, {failed.At.TotalMilliseconds:F3} ms, {failed.Plan.Operations} operations,
            faults {failed.Plan.Kinds}
        Replay: SYNC_SIM_SEED={failed.Plan.Seed} SYNC_SIM_HISTORIES=1
        Shrunk to {shrunk.Plan.Operations} operations, faults {shrunk.Plan.Kinds},
            step {shrunk.Steps}: {shrunk.Violation!.Message}
        Its last steps:
        {shrunk.Tail}
        """);
}

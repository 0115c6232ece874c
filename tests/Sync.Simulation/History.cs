using System.Globalization;
using CollectionFaults = Sync.Replication.CollectionPlantedFaults;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ModelFaults = Sync.Simulation.Worlds.ModelFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;

namespace Sync.Simulation;

/// <summary>How a history ended.</summary>
/// <param name="Plan">What was run.</param>
/// <param name="Violation">What does not hold; null = all does.</param>
/// <param name="Steps">Events of the schedule.</param>
/// <param name="Strikes">Faults that happened at single calls and messages.</param>
/// <param name="At">Virtual time.</param>
/// <param name="Hash">Of all that happened: the same plan gives the same.</param>
/// <param name="Coverage">What was reached.</param>
/// <param name="Tail">The last that happened, when something does not hold.</param>
internal sealed record Ending(Plan Plan, Violation? Violation, long Steps, int Strikes, TimeSpan At, ulong Hash,
    Coverage Coverage, string Tail);

/// <summary>Switches of production code that break a rule, for tests of the tests.</summary>
internal sealed record Switches(LedgerFaults? Ledger = null, ReplicaFaults? Replica = null,
    CollectionFaults? Collection = null, ModelFaults? Model = null);

/// <summary>Runs histories. Each is a world of its own, on one thread: any number may run beside each other.</summary>
internal static class History
{
    public static Ending Run(Plan plan, Switches? switches = null)
    {
        var world = new World(plan, switches?.Ledger, switches?.Replica, switches?.Collection,
            switches?.Model);
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
        return new(plan, violation, world.Schedule.Steps, world.Strikes, world.Schedule.Now, world.Trace.Hash,
            world.Coverage, violation is null ? "" : world.Trace.Tail());
    }

    public static string Describe(Ending failed, Ending shrunk) => string.Create(CultureInfo.InvariantCulture,
        $"""
        Seed {failed.Plan.Seed}: {failed.Violation!.Message}
        at step {failed.Steps}, {failed.At.TotalMilliseconds:F3} ms, of {failed.Plan.Operations} operations,
            {failed.Strikes} faults of {failed.Plan.Kinds}
        Replay: {Replay.Variable}='{Replay.TextOf(failed.Plan)}'
        Shrunk to {shrunk.Plan.Operations} operations, {shrunk.Strikes - shrunk.Plan.Spared.Count} faults of {shrunk.Plan.Kinds},
            step {shrunk.Steps}: {shrunk.Violation!.Message}
        Replay: {Replay.Variable}='{Replay.TextOf(shrunk.Plan)}' {Replay.Command}
        What is left of its plan:
        {string.Join('\n', shrunk.Plan.Steps.Select(step => string.Create(CultureInfo.InvariantCulture,
            $"  {step.At.TotalMilliseconds,10:F3} ms  {step.Index}: {step.Kind} {(step.Kind == StepKind.Fault ? step.Fault : null)}")))}
        Its last steps:
        {shrunk.Tail}
        """);
}

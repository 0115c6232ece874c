using Sync.Simulation.Worlds;

namespace Sync.Simulation.Mutants;

/// <summary>A rule that is broken on purpose, and what must notice. Is the checker awake?</summary>
/// <param name="Name">The switch.</param>
/// <param name="World">Where it is run.</param>
/// <param name="Invariants">The check that must fail; of several any one.</param>
/// <param name="HistoriesMax">Within how many histories.</param>
/// <param name="Faults">The switch, on.</param>
internal sealed record Mutant(
    string Name, SimWorld World, string[] Invariants, int HistoriesMax, SimFaults Faults)
{
    /// <summary>In which history it is found, counted from 1; null = in none.</summary>
    public int? FirstFound(ulong seed, int histories)
    {
        var coverage = new Coverage();
        for (var index = 0; index < histories; index++)
            if (IsFound(World.Run(seed + (ulong)index, Faults, coverage).Violation)) return index + 1;
        return null;
    }

    public bool IsFound(Violation? violation) =>
        violation is not null && Invariants.Contains(violation.Invariant, StringComparer.Ordinal);
}

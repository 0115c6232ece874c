namespace Sync.Simulation.Worlds;

/// <summary>What kind of faults a history has.</summary>
internal enum SimMode
{
    /// <summary>Faults everywhere; at the end they stop, and every invariant must hold.</summary>
    Safety,

    /// <summary>A permanent fault on a few; the rest must progress.</summary>
    Liveness,
}

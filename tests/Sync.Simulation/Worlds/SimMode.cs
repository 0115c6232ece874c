namespace Sync.Simulation.Worlds;

/// <summary>Which histories are run; a history's seed says of which mode it is.</summary>
internal enum SimMode
{
    /// <summary>Both, as seeds come.</summary>
    Both,

    /// <summary>Faults everywhere; at the end they stop, and every invariant must hold.</summary>
    Safety,

    /// <summary>A permanent fault on one of few; the rest must progress.</summary>
    Liveness,
}

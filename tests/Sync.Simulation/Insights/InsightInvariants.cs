namespace Sync.Simulation.Insights;

/// <summary>The names of the invariants of Insights, as tests and failures give them.</summary>
internal static class InsightInvariants
{
    public const string Recompute = "R7 a summary equals a recompute at its position";
    public const string Forward = "R7 no older summary replaces a newer";
    public const string Current = "R7 at rest a summary is current, or its shard a dead letter";
    public const string Settles = "R7 hosts come to rest";
}

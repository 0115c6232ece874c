namespace Sync.Simulation.Changefeeds;

/// <summary>The names of the invariants of changefeeds, as tests and failures give them.</summary>
internal static class FeedInvariants
{
    public const string NoHole = "R3 a run without a hole, or a reset";
    public const string Cause = "R3 a reset has a cause";
    public const string Wanted = "R3 only what is wanted";
    public const string True = "R3 what is committed, as it is";
    public const string Replay = "R3 a replay equals what was followed";
    public const string CaughtUp = "R3 a reader reaches the head";
}

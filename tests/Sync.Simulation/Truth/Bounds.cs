namespace Sync.Simulation;

/// <summary>R12: nothing that waits or is kept exceeds its configured bound, at any step.</summary>
internal static class Bounds
{
    public static void Check(string what, long count, long max)
    {
        if (count > max) throw new Violation(Invariants.Bounded, $"{count} {what}; at most {max} are allowed");
    }
}

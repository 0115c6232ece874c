namespace Sync.ChaosTests.Check;

/// <summary>What must have occurred in a long run: what never did was not tested (shared names with the counters of the rules).</summary>
internal static class Coverage
{
    /// <summary>In a run of all faults under load.</summary>
    private static readonly string[] OfFaults =
    [
        "unknown outcome", "unknown, then committed", "answered by a first receipt", "other value under a used key refused",
        "refused", "refused for now", "take-over", "gap", "tail gap", "stale ignored", "skew by major", "parse error",
        "refetch failure", "coalesced refetch", "changefeed connections",
    ];

    /// <summary>In a run of full disks and a restored copy.</summary>
    private static readonly string[] OfRestore = ["lost by a restore", "changefeeds told of another history"];

    /// <summary>The names that are still at zero.</summary>
    /// <param name="counters">Of the last check.</param>
    /// <param name="isRestored">True when the ledger was replaced by an old copy of itself; false when it met all other faults.</param>
    public static IReadOnlyList<string> Missing(IReadOnlyDictionary<string, long> counters, bool isRestored) =>
        [.. (isRestored ? OfRestore : OfFaults).Where(name => counters.GetValueOrDefault(name) == 0)];
}

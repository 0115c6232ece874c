namespace Sync.Simulation;

/// <summary>What the histories have reached: a checker that never saw a thing cannot have checked it.</summary>
internal sealed class Coverage
{
    /// <summary>Each must be above zero over a run.</summary>
    public static readonly string[] Demanded =
    [
        "unknown outcome, committed", "unknown outcome, not committed", "straggler refused", "take-over",
        "take-over from a paused writer", "take-over from a dead writer", "fenced commit", "gap",
        "tail gap found by a beat", "coalesced refetch", "stale ignored", "skew by major", "parse error",
        "refetch failed, then recovered", "publisher restart behind confirmed", "duplicate delivered",
        "group split by poison",
        "idempotent replay", "receipt of a repeated conditional write", "atomic batch committed", "tombstone applied",
        "re-put after a delete", "backfill in order", "history reset", "wrong key dropped", "lost envelope",
        "lost beat",
        "write refused by expectation", "process killed with a commit in flight", "publisher read from the ledger",
    ];

    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public void Add(string what, long count = 1)
    {
        if (count > 0) _counts[what] = _counts.GetValueOrDefault(what) + count;
    }

    public void Add(Coverage other)
    {
        foreach (var (what, count) in other._counts) Add(what, count);
    }

    public IEnumerable<string> Missing() => Demanded.Where(what => !_counts.ContainsKey(what));
}

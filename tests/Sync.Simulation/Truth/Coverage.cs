using System.Numerics;
using System.Runtime.InteropServices;

namespace Sync.Simulation;

/// <summary>What the histories have reached: a checker that never saw a thing cannot have checked it.</summary>
internal sealed class Coverage
{
    /// <summary>Each must be above zero over a run, and each kind of fault.</summary>
    public static readonly string[] Demanded =
    [
        "unknown outcome, committed", "unknown outcome, not committed", "straggler refused", "take-over",
        "straggler after its repeat was refused", "straggler committed after its repeat was refused",
        "repeat refused beside an open attempt, told unknown", "repeat refused beside an open attempt, told refused",
        "write forwarded", "forwarded write repeated", "forwarded repeat refused, told unknown",
        "forwarded repeat refused, told refused",
        "take-over from a paused writer", "take-over from a dead writer", "fenced commit", "gap",
        "tail gap found by a beat", "coalesced refetch", "stale ignored", "skew by major", "parse error",
        "refetch failed, then recovered", "publisher restart behind confirmed", "duplicate delivered",
        "group begun ahead", "group too early", "several groups resolved",
        "group split by poison", "pause beyond the lease", "pause beyond the lease, commit in flight",
        "slow consumer overflow", "slow consumer dropped by the broker",
        "idempotent replay", "receipt of a repeated conditional write", "atomic batch committed", "tombstone applied",
        "re-put after a delete", "backfill in order", "history reset", "wrong key dropped", "lost envelope",
        "lost beat", "event appended", "event without a key", "write refused by shape",
        "write refused by expectation", "process killed with a commit in flight", "publisher read from the ledger",
        "import line repeated", "import line replayed", "import line held back by order",
        "collection loaded", "collection gap", "collection tail gap", "collection reset", "collection refused value",
        "collection refetch", "collection changes read", "collection request failed",
        "progress beside a handicap",
    ];

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);
    private readonly long[] _faults = new long[64];

    /// <summary>By name, in order.</summary>
    public IReadOnlyDictionary<string, long> Counts
    {
        get
        {
            var all = new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);
            for (var bit = 0; bit < _faults.Length; bit++)
                if (_faults[bit] > 0) all.Add(NameOf((FaultKinds)(1UL << bit)), _faults[bit]);
            return all;
        }
    }

    public void Add(string what, long count = 1)
    {
        if (count > 0) CollectionsMarshal.GetValueRefOrAddDefault(_counts, what, out _) += count;
    }

    public void Add(FaultKinds kind) => _faults[BitOperations.Log2((ulong)kind)]++;

    public void Add(Coverage other)
    {
        foreach (var (what, count) in other._counts) Add(what, count);
        for (var bit = 0; bit < _faults.Length; bit++) _faults[bit] += other._faults[bit];
    }

    /// <summary>What should have been reached, and was not.</summary>
    public IEnumerable<string> Missing()
    {
        foreach (var what in Demanded)
            if (!_counts.ContainsKey(what)) yield return what;
        for (var kind = 1UL; kind <= (ulong)FaultKinds.All; kind <<= 1)
            if (((ulong)FaultKinds.All & kind) != 0 && _faults[BitOperations.Log2(kind)] == 0)
                yield return NameOf((FaultKinds)kind);
        foreach (var handicap in Enum.GetValues<Handicap>())
            if (handicap != Handicap.None && !_counts.ContainsKey(NameOf(handicap))) yield return NameOf(handicap);
    }

    public static string NameOf(Handicap handicap) => $"handicap {handicap}";

    private static string NameOf(FaultKinds kind) => $"fault {kind}";
}

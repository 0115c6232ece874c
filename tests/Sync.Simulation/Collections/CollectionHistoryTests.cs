using System.Diagnostics;
using System.Globalization;
using Shouldly;
using Xunit;

namespace Sync.Simulation.Collections;

/// <summary>The invariants of collection replicas over many short histories. <c>SYNC_SIM_SEED</c> is the first seed,
/// <c>SYNC_SIM_HISTORIES</c> how many follow.</summary>
public sealed class CollectionHistoryTests(ITestOutputHelper output)
{
    private const ulong BaseSeed = 40_000_000;
    private const int HistoriesDefault = 300_000;

    /// <summary>Each must be above zero over a run.</summary>
    public static readonly string[] Demanded =
    [
        "straggler", "envelope lost", "beat lost", "request failed", "late answer", "repeated answer",
        "page of several", "page not shown first", "read ahead", "changes page of several", "changes no longer kept", "reconnect", "overflow",
        "publisher restart behind confirmed", "take-over", "reload", "restore",
        "re-put after a delete", "stale ignored", "gap", "tail gap found by a beat", "parse error",
        "skew by major", "corrupt on the way", "wrong key dropped", "history reset", "refetch", "buffer overflow",
    ];

    [Fact]
    public void Every_invariant_holds_over_histories_that_together_reach_everything()
    {
        var first = FromEnvironment("SYNC_SIM_SEED") ?? BaseSeed;
        var histories = FromEnvironment("SYNC_SIM_HISTORIES") ?? HistoriesDefault;
        var coverage = new Coverage();
        var watch = Stopwatch.StartNew();
        for (var index = 0UL; index < histories; index++)
        {
            var ending = CollectionHistory.Run(CollectionPlan.Of(first + index), coverage: coverage);
            if (ending.Violation is not null) Assert.Fail(CollectionHistory.Describe(ending));
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{histories} histories from seed {first}, {histories / watch.Elapsed.TotalSeconds:F0}/s"));
        foreach (var (what, count) in coverage.Counts) output.WriteLine($"{count,9} {what}");
        if (histories >= 1000) Demanded.Where(what => !coverage.Counts.ContainsKey(what)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(77)]
    [InlineData(4711)]
    public void The_same_seed_gives_the_same_history(int seed)
    {
        var once = CollectionHistory.Run(CollectionPlan.Of((ulong)seed));
        CollectionHistory.Run(CollectionPlan.Of((ulong)seed)).Hash.ShouldBe(once.Hash);
        CollectionHistory.Run(CollectionPlan.Of((ulong)seed + 1)).Hash.ShouldNotBe(once.Hash);
    }

    private static ulong? FromEnvironment(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture,
            out var value) ? value : null;
}

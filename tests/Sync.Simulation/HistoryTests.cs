using System.Diagnostics;
using System.Globalization;
using Shouldly;
using Xunit;

namespace Sync.Simulation;

/// <summary>The invariants over many histories. <c>SYNC_SIM_SEED</c> is the first seed, <c>SYNC_SIM_HISTORIES</c> how
/// many follow.</summary>
public sealed class HistoryTests(ITestOutputHelper output)
{
    private const ulong BaseSeed = 20_260_101;
    private const int HistoriesDefault = 3000;

    [Fact]
    public void Every_invariant_holds_over_histories_that_together_reach_everything()
    {
        var first = FromEnvironment("SYNC_SIM_SEED") ?? BaseSeed;
        var histories = FromEnvironment("SYNC_SIM_HISTORIES") ?? HistoriesDefault;
        var coverage = new Coverage();
        var steps = 0L;
        var watch = Stopwatch.StartNew();
        for (var index = 0UL; index < histories; index++)
        {
            var ending = History.Run(Plan.Of(first + index));
            steps += ending.Steps;
            coverage.Add(ending.Coverage);
            if (ending.Violation is not null) Assert.Fail(History.Describe(ending, History.Shrink(ending)));
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{histories} histories from seed {first}: {steps} steps, {histories / watch.Elapsed.TotalSeconds:F0}/s"));
        foreach (var (what, count) in coverage.Counts) output.WriteLine($"{count,9} {what}");
        // A few replayed histories need not reach everything.
        if (histories >= 1000) coverage.Missing().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(77)]
    [InlineData(4711)]
    public void The_same_seed_gives_the_same_history(int seed)
    {
        var (once, again) = (History.Run(Plan.Of((ulong)seed)), History.Run(Plan.Of((ulong)seed)));
        again.Hash.ShouldBe(once.Hash);
        again.Steps.ShouldBe(once.Steps);
        History.Run(Plan.Of((ulong)seed + 1)).Hash.ShouldNotBe(once.Hash);
    }

    private static ulong? FromEnvironment(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture,
            out var value) ? value : null;
}

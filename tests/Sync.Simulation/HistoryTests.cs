using System.Globalization;
using Shouldly;
using Xunit;

namespace Sync.Simulation;

/// <summary>The invariants over many histories. <c>SYNC_SIM_SEED</c> is the first seed, <c>SYNC_SIM_HISTORIES</c> how
/// many follow, <c>SYNC_SIM_REPLAY</c> one history as a failure printed it.</summary>
public sealed class HistoryTests(ITestOutputHelper output)
{
    private const ulong BaseSeed = 20_260_101;
    private const int HistoriesDefault = 5000;

    [Fact]
    public void Every_invariant_holds_over_histories_that_together_reach_everything()
    {
        var first = FromEnvironment("SYNC_SIM_SEED") ?? BaseSeed;
        var histories = (int)(FromEnvironment("SYNC_SIM_HISTORIES") ?? HistoriesDefault);
        var run = HistoryRun.Of(first, histories);
        if (run.Failed is { } failed) Assert.Fail(History.Describe(failed, Shrinker.Shrink(failed)));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{histories} histories from seed {first}: {run.Operations} operations, {run.Steps} steps, the longest {run.StepsMost}, "
            + $"{run.Took.TotalSeconds:F0} s, {histories / run.Took.TotalSeconds:F0}/s, hash {run.Hash:X16}"));
        foreach (var (what, count) in run.Coverage.Counts) output.WriteLine($"{count,9} {what}");
        run.Operations.ShouldBeGreaterThanOrEqualTo(200L * histories);
        // A few replayed histories need not reach everything.
        if (histories >= 3000) run.Coverage.Missing().ShouldBeEmpty();
    }

    [Fact]
    public void A_replayed_history_ends_as_it_did()
    {
        var text = Environment.GetEnvironmentVariable(Replay.Variable);
        var plan = text is null ? Plan.Of(BaseSeed) : Replay.PlanOf(text);
        var (once, again) = (History.Run(plan), History.Run(Replay.PlanOf(Replay.TextOf(plan))));
        (again.Hash, again.Violation?.Message).ShouldBe((once.Hash, once.Violation?.Message));
        if (once.Violation is not null) Assert.Fail(History.Describe(once, once));
    }

    [Fact]
    public void The_same_seeds_give_the_same_histories_whatever_the_number_of_threads()
    {
        var serial = HistoryRun.Of(4711, 40, threads: 1);
        var parallel = HistoryRun.Of(4711, 40, threads: 4);
        (parallel.Hash, parallel.Steps).ShouldBe((serial.Hash, serial.Steps));
        HistoryRun.Of(4712, 40, threads: 1).Hash.ShouldNotBe(serial.Hash);
    }

    private static ulong? FromEnvironment(string name) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture,
            out var value) ? value : null;
}

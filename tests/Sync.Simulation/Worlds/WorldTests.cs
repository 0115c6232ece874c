using System.Globalization;
using Shouldly;
using Xunit;

namespace Sync.Simulation.Worlds;

/// <summary>The invariants over many histories of the worlds that have no tests of their own, and what all worlds reach
/// together.</summary>
public sealed class WorldTests(ITestOutputHelper output)
{
    /// <summary>What a run must reach to prove anything, and the name under which a world counts it. The same table is in
    /// docs/TESTING.md.</summary>
    private static readonly (string What, string World, string Counter)[] Reach =
    [
        ("unknown outcome, committed", "whole", "unknown outcome, committed"),
        ("unknown outcome, not committed", "whole", "unknown outcome, not committed"),
        ("straggler after its repeat was refused", "whole", "straggler after its repeat was refused"),
        ("straggler committed after its repeat was refused", "whole", "straggler committed after its repeat was refused"),
        ("take-over", "whole", "take-over"),
        ("fenced commit", "whole", "fenced commit"),
        ("gap", "whole", "gap"),
        ("tail gap found by a beat", "whole", "tail gap found by a beat"),
        ("coalesced refetch", "whole", "coalesced refetch"),
        ("stale ignored", "whole", "stale ignored"),
        ("skew by major", "whole", "skew by major"),
        ("parse error", "whole", "parse error"),
        ("refetch failure then recovery", "whole", "refetch failed, then recovered"),
        ("group split by a poisoned write", "whole", "group split by poison"),
        ("SSE reset, ahead", "changefeeds", "changefeed: reset, ahead"),
        ("SSE reset, other history", "changefeeds", "changefeed: reset, other history"),
        ("SSE reset, below the floor", "changefeeds", "changefeed: reset, below the floor"),
        ("Insight redelivery", "insights", "insight: redelivered"),
        ("Insight retry", "insights", "insight: retried"),
        ("Insight dead letter", "insights", "insight: dead letter"),
        ("Insight crash between derive and write", "insights", "insight: crash between derive and write"),
        ("slow client dropped", "changefeeds", "changefeed: slow reader cut"),
    ];

    [Theory]
    [InlineData("changefeeds")]
    [InlineData("insights")]
    public void Every_invariant_holds_over_histories_that_together_reach_everything(string name)
    {
        var world = SimWorld.All.Single(one => one.Name == name);
        var run = new WorldRun(world, SimMode.Both, SimFaults.None, world.Seed);
        var failed = run.Run(world.Histories, 2, static _ => { }, TestContext.Current.CancellationToken);
        if (failed is not null) Assert.Fail(failed.Shrunk());
        foreach (var (what, count) in run.Coverage.Counts) output.WriteLine($"{count,11} {what}");
        world.Missing(run.Coverage).ShouldBeEmpty();
    }

    [Fact]
    public void The_histories_of_all_worlds_reach_what_a_run_must_reach_to_prove_anything()
    {
        var counts = new Dictionary<string, Coverage>(StringComparer.Ordinal);
        foreach (var world in SimWorld.All)
        {
            var run = new WorldRun(world, SimMode.Both, SimFaults.None, world.Seed);
            run.Run(Math.Min(world.HistoriesToReachAll, 1000), 2, static _ => { }, TestContext.Current.CancellationToken).ShouldBeNull();
            counts[world.Name] = run.Coverage;
            output.WriteLine($"{world.Name}: {run.Done} histories");
            foreach (var (what, count) in run.Coverage.Counts)
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,11} {what}"));
        }
        Reach.Where(one => !counts[one.World].Counts.ContainsKey(one.Counter)).ShouldBeEmpty();
    }

    [Fact]
    public void The_docs_say_where_each_of_them_is_counted()
    {
        var lines = File.ReadAllLines(RepoRoot.Of("docs/TESTING.md"));
        foreach (var (what, world, _) in Reach)
            lines.ShouldContain(line => line.StartsWith($"| {what} | {world} |", StringComparison.Ordinal), what);
    }

    [Theory]
    [MemberData(nameof(WorldNames))]
    public void The_same_seed_ends_a_broken_rule_in_the_same_way_and_in_fewer_steps_when_it_is_made_small(string name)
    {
        var world = SimWorld.All.Single(one => one.Name == name);
        var mutant = Mutants.MutantCatalogue.Simulated.First(one => one.World == world && one.HistoriesMax <= 300);
        var seed = Mutants.MutantCatalogue.Seed;
        while (!mutant.IsFound(world.Run(seed, mutant.Faults, new Coverage()).Violation)) seed++;
        var (once, again) = (Ending(), Ending());
        (again.Violation!.Message, again.Steps).ShouldBe((once.Violation!.Message, once.Steps));
        var shrunk = once.Shrunk();
        shrunk.ShouldBe(again.Shrunk());
        shrunk.ShouldContain("Shrunk to ");
        shrunk.ShouldContain(once.Violation.Invariant);

        SimEnding Ending() => world.Run(seed, mutant.Faults, new Coverage());
    }

    public static TheoryData<string> WorldNames() => [.. SimWorld.All.Select(world => world.Name)];
}

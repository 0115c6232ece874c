using Shouldly;
using Sync.HostileTests.Run;
using Sync.HostileTests.Targets;
using Xunit;

namespace Sync.HostileTests;

/// <summary>Millions of hostile inputs: every decoder answers each of them, rightly, in bounded time and memory.</summary>
public sealed class HostileInputTests
{
    [Fact]
    public void Ten_million_damaged_inputs_are_answered_rightly_in_bounded_time_and_memory()
    {
        var options = Options.FromEnvironment();
        var run = new HostileRun(AllTargets.Makers, options.Seed);

        run.Run(options.Inputs);

        var report = CommandLine.Report(run);
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        run.Findings.ShouldBeEmpty(report);
        run.Tallies.Sum(tally => tally.Ran).ShouldBeGreaterThanOrEqualTo(options.Inputs, report);
        foreach (var tally in run.Tallies)
        {
            tally.Ran.ShouldBe(tally.Wanted, report);
            // An oracle that only ever sees one of the two answers sleeps.
            tally.Taken.ShouldBeGreaterThan(tally.Ran / 10_000, $"{tally.Name} takes nothing");
            tally.Refused.ShouldBeGreaterThan(tally.Ran / 10_000, $"{tally.Name} refuses nothing");
        }
    }
}

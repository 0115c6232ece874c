using System.Numerics;
using Shouldly;
using Sync.Simulation.Mutants;
using Xunit;
using LedgerFaults = Sync.Ledger.PlantedFaults;

namespace Sync.Simulation;

/// <summary>A failure of the whole system, made small. That mutants are found: <see cref="MutantTests"/>.</summary>
public sealed class ShrinkerTests(ITestOutputHelper output)
{
    [Fact]
    public void A_failing_history_is_made_smaller_and_fails_the_same_way_when_it_is_run_again()
    {
        var faults = new Switches(new LedgerFaults { NoEpochInFence = true });
        var failed = Enumerable.Range(0, 200)
            .Select(index => History.Run(Plan.Of(MutantCatalogue.Seed + (ulong)index), faults))
            .First(ending => ending.Violation is not null);
        var shrunk = Shrinker.Shrink(failed, faults);
        shrunk.Plan.Operations.ShouldBeLessThan(failed.Plan.Operations / 2);
        BitOperations.PopCount((ulong)shrunk.Plan.Kinds)
            .ShouldBeLessThan(BitOperations.PopCount((ulong)failed.Plan.Kinds));
        var again = History.Run(Replay.PlanOf(Replay.TextOf(shrunk.Plan)), faults);
        (again.Hash, again.Violation!.Message).ShouldBe((shrunk.Hash, shrunk.Violation!.Message));
        var text = History.Describe(failed, shrunk);
        text.ShouldContain($"{Replay.Variable}='{failed.Plan.Seed}'");
        text.ShouldContain(Invariants.Fenced);
        output.WriteLine(text);
    }
}

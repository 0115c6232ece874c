using System.Globalization;
using System.Numerics;
using System.Reflection;
using Shouldly;
using Sync.Replication;
using Xunit;
using Faults = Sync.Replication.CollectionPlantedFaults;

namespace Sync.Simulation.Collections;

/// <summary>Is the checker awake? Each switch breaks one rule of collection replicas; histories must find it, and name
/// what broke.</summary>
public sealed class CollectionPlantedFaultTests(ITestOutputHelper output)
{
    private const ulong BaseSeed = 47_000_000;

    // Within how many histories it must be found, and by which invariant.
    private static readonly Dictionary<string, (int Histories, string Invariant)> Expected = new(StringComparer.Ordinal)
    {
        [nameof(Faults.SnapshotBeforeSubscribe)] = (100, CollectionInvariants.Early),
        [nameof(Faults.CoveredByLastPage)] = (500, CollectionInvariants.Covered),
        [nameof(Faults.RangesNotSettled)] = (30_000, CollectionInvariants.Forward),
        [nameof(Faults.CoveredNotChecked)] = (500, CollectionInvariants.Forward),
        [nameof(Faults.AbsentKept)] = (200, CollectionInvariants.Covered),
        [nameof(Faults.CoveredOverGap)] = (1000, CollectionInvariants.Covered),
        [nameof(Faults.TombstoneForgottenAtOnce)] = (1000, CollectionInvariants.Forward),
        [nameof(Faults.BeatNamesIgnored)] = (200, CollectionInvariants.Covered),
        [nameof(Faults.MissedBeatsIgnored)] = (5000, CollectionInvariants.Covered),
        [nameof(Faults.BeatsIgnored)] = (50, CollectionInvariants.Ahead),
        [nameof(Faults.BufferLossForgotten)] = (8000, CollectionInvariants.Covered),
        [nameof(Faults.FloorIgnored)] = (8000, CollectionInvariants.Covered),
        [nameof(Faults.ThroughIgnored)] = (200, CollectionInvariants.Covered),
        [nameof(Faults.HistoryIgnored)] = (500, CollectionInvariants.Current),
        [nameof(Faults.ResetKeepsSequences)] = (3000, CollectionInvariants.Converged),
        [nameof(Faults.OldAnswersTaken)] = (2000, CollectionInvariants.Absent),
        [nameof(Faults.AheadTakenAtOnce)] = (5000, CollectionInvariants.Covered),
        [nameof(Faults.SequenceNotChecked)] = (100, CollectionInvariants.Forward),
        [nameof(Faults.TombstoneIgnored)] = (50, CollectionInvariants.Covered),
        [nameof(Faults.MajorIgnored)] = (200, CollectionInvariants.Shown),
        [nameof(Faults.RefusedClears)] = (200, CollectionInvariants.Announced),
        [nameof(Faults.RefetchForever)] = (2000, CollectionInvariants.NoStorm),
        [nameof(Faults.NoRetry)] = (50, CollectionInvariants.Current),
    };

    /// <summary>All switches there are, so that a new one cannot be forgotten here.</summary>
    public static TheoryData<string> Switches() =>
    [
        .. typeof(Faults).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name),
    ];

    [Theory]
    [MemberData(nameof(Switches))]
    public void A_planted_fault_is_found_and_named(string name)
    {
        var (histories, invariant) = Expected[name];
        var found = FirstWith(With(name), histories, ending => ending.Violation!.Invariant == invariant);
        found.ShouldNotBeNull($"no history of {histories} says \"{invariant}\"");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: history {found.Plan.Seed - BaseSeed + 1}, step {found.Step}: {found.Violation!.Message}"));
    }

    [Fact]
    public void A_failing_history_is_made_smaller_and_fails_the_same_way_when_it_is_run_again()
    {
        var faults = With(nameof(Faults.TombstoneIgnored));
        var failed = FirstWith(faults, 50, ending => ending.Violation!.Invariant == CollectionInvariants.Covered
            && BitOperations.PopCount((uint)ending.Plan.Kinds) > 3)!;
        var shrunk = CollectionHistory.Shrink(failed, faults);
        shrunk.Plan.Steps.ShouldBeLessThan(failed.Plan.Steps);
        BitOperations.PopCount((uint)shrunk.Plan.Kinds)
            .ShouldBeLessThan(BitOperations.PopCount((uint)failed.Plan.Kinds));
        var again = CollectionHistory.Run(shrunk.Plan, faults);
        (again.Hash, again.Violation!.Message).ShouldBe((shrunk.Hash, shrunk.Violation!.Message));
        var text = CollectionHistory.Describe(failed, faults);
        text.ShouldContain($"SYNC_SIM_SEED={failed.Plan.Seed}");
        text.ShouldContain(CollectionInvariants.Covered);
        output.WriteLine(text);
    }

    private static CollectionEnding? FirstWith(Faults faults, int histories, Func<CollectionEnding, bool> isIt)
    {
        for (var index = 0; index < histories; index++)
        {
            var ending = CollectionHistory.Run(CollectionPlan.Of(BaseSeed + (ulong)index), faults);
            if (ending.Violation is not null && isIt(ending)) return ending;
        }
        return null;
    }

    private static Faults With(string name)
    {
        var faults = new Faults();
        typeof(Faults).GetProperty(name)!.SetValue(faults, true);
        return faults;
    }
}

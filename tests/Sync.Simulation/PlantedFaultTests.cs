using System.Globalization;
using System.Numerics;
using System.Reflection;
using Shouldly;
using Xunit;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;

namespace Sync.Simulation;

/// <summary>Is the checker awake? Each switch of the cores breaks one rule; the same histories must find it, and name
/// what broke.</summary>
public sealed class PlantedFaultTests(ITestOutputHelper output)
{
    private const ulong BaseSeed = 7_000_000;

    // Within how many histories it must be found, and by which invariant.
    private static readonly Dictionary<string, (int Histories, string Invariant)> Expected = new(StringComparer.Ordinal)
    {
        [nameof(LedgerFaults.AckBeforeCommit)] = (10, Invariants.Durable),
        [nameof(LedgerFaults.RetryUnknownBlindly)] = (50, Invariants.Refused),
        [nameof(LedgerFaults.SequenceFromStaleLoad)] = (20, Invariants.Dense),
        [nameof(LedgerFaults.NoEpochInFence)] = (200, Invariants.Fenced),
        [nameof(LedgerFaults.IdempotencyOutsideTransaction)] = (50, Invariants.Once),
        [nameof(LedgerFaults.PublishedSavedBeforeFlush)] = (200, Invariants.Published),
        [nameof(LedgerFaults.ResumeFromHandedAfterReconnect)] = (50, Invariants.Published),
        [nameof(LedgerFaults.BeatAheadOfEnvelopes)] = (20, Invariants.Fresh),
        [nameof(LedgerFaults.OvertakingAllowed)] = (200, Invariants.Repeated),
        [nameof(LedgerFaults.NoBeats)] = (200, Invariants.Converged),
        [nameof(ReplicaFaults.ApplyBelowSequence)] = (200, Invariants.Forward),
        [nameof(ReplicaFaults.SequenceAdvancedBeforeParse)] = (100, Invariants.Shown),
        [nameof(ReplicaFaults.IgnoreBeats)] = (200, Invariants.Converged),
        [nameof(ReplicaFaults.GapNotNoticed)] = (20, Invariants.Noticed),
        [nameof(ReplicaFaults.TombstoneIgnored)] = (50, Invariants.Fresh),
        [nameof(ReplicaFaults.HistoryResetIgnored)] = (400, Invariants.Converged),
        [nameof(ReplicaFaults.RefetchOnceNeverAgain)] = (50, Invariants.Converged),
        [nameof(ReplicaFaults.WrongKeyAccepted)] = (100, Invariants.Shown),
        [nameof(ReplicaFaults.RefetchForever)] = (300, Invariants.NoStorm),
    };

    /// <summary>All switches there are, so that a new one cannot be forgotten here. Two are of parts that are not in these
    /// histories: the hub decides when a replica fetches, and the changefeed has a compliance suite that finds its
    /// own.</summary>
    public static TheoryData<string> Switches() =>
    [
        .. NamesOf(typeof(LedgerFaults)).Where(name => name != nameof(LedgerFaults.FromNowInsteadOfReset)),
        .. NamesOf(typeof(ReplicaFaults)).Where(name => name != nameof(ReplicaFaults.SubscribeAfterFetch)),
    ];

    [Theory]
    [MemberData(nameof(Switches))]
    public void A_planted_fault_is_found_and_named(string name)
    {
        var (histories, invariant) = Expected[name];
        var switches = new Switches(With<LedgerFaults>(name), With<ReplicaFaults>(name));
        for (var index = 0; index < histories; index++)
        {
            var ending = History.Run(Plan.Of(BaseSeed + (ulong)index), switches);
            if (ending.Violation?.Invariant != invariant) continue;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name}: history {index + 1}, step {ending.Steps}: {ending.Violation.Message}"));
            return;
        }
        Assert.Fail($"no history of {histories} says \"{invariant}\"");
    }

    [Fact]
    public void A_failing_history_is_made_smaller_and_fails_the_same_way_when_it_is_run_again()
    {
        var faults = new Switches(With<LedgerFaults>(nameof(LedgerFaults.NoEpochInFence)));
        var failed = Enumerable.Range(0, 200).Select(index => History.Run(Plan.Of(BaseSeed + (ulong)index), faults))
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

    private static IEnumerable<string> NamesOf(Type faults) =>
        faults.GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name);

    private static T With<T>(string name) where T : new()
    {
        var faults = new T();
        typeof(T).GetProperty(name)?.SetValue(faults, true);
        return faults;
    }
}

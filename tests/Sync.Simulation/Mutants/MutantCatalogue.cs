using System.Reflection;
using Sync.Contracts;
using Sync.Simulation.Changefeeds;
using Sync.Simulation.Collections;
using Sync.Simulation.Insights;
using Sync.Simulation.Worlds;
using CollectionFaults = Sync.Replication.CollectionPlantedFaults;
using InsightFaults = Sync.Lobby.Insights.PlantedFaults;
using LedgerFaults = Sync.Ledger.PlantedFaults;
using ReplicaFaults = Sync.Replication.PlantedFaults;

namespace Sync.Simulation.Mutants;

/// <summary>All mutants that histories find. docs/TESTING.md has the same list with what they stand for, and those that
/// need a real Postgres, a real stream or a real broker.</summary>
internal static class MutantCatalogue
{
    /// <summary>The first seed of the histories that look for mutants.</summary>
    public const ulong Seed = 7_000_000;

    /// <summary>Switches that histories reach too rarely or not at all, and the test that finds each instead.</summary>
    public static readonly IReadOnlyDictionary<string, string> Elsewhere = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        // Two full groups in flight, of which the first fails: one whole history in thousands.
        [nameof(LedgerFaults.OnTopNotAwaited)] = "tests/Sync.Tests/Ledger/SequencerModelTests.cs",
        // The hub decides when a replica fetches, and histories have its cores only.
        [nameof(ReplicaFaults.SubscribeAfterFetch)] = "tests/Sync.Tests/Replication/ReplicaShellTests.cs",
    };

    public static readonly IReadOnlyList<Mutant> Simulated = [.. Whole(), .. Collections(), .. Changefeeds(), .. Insights()];

    /// <summary>The mutant of a name; two worlds may have one each, so the first unless a world is named.</summary>
    public static Mutant? Find(string name, string? world) => Simulated.FirstOrDefault(
        mutant => mutant.Name.Equals(name, StringComparison.OrdinalIgnoreCase) && (world ?? mutant.World.Name) == mutant.World.Name);

    /// <summary>Where the nth search begins.</summary>
    public static ulong SeedOf(int round) => Seed + ((ulong)round * 1_000_000);

    private static IEnumerable<Mutant> Whole() =>
    [
        Ledger(nameof(LedgerFaults.AckBeforeCommit), 10, Invariants.Durable),
        Ledger(nameof(LedgerFaults.RetryUnknownBlindly), 50, Invariants.Refused),
        Ledger(nameof(LedgerFaults.SequenceFromStaleLoad), 20, Invariants.Dense),
        Ledger(nameof(LedgerFaults.NoEpochInFence), 200, Invariants.Fenced),
        Ledger(nameof(LedgerFaults.IdempotencyOutsideTransaction), 50, Invariants.Once),
        Ledger(nameof(LedgerFaults.PublishedSavedBeforeFlush), 500, Invariants.Published),
        Ledger(nameof(LedgerFaults.ResumeFromHandedAfterReconnect), 50, Invariants.Published),
        Ledger(nameof(LedgerFaults.BeatAheadOfEnvelopes), 20, Invariants.Fresh),
        Ledger(nameof(LedgerFaults.OvertakingAllowed), 300, Invariants.Repeated),
        Ledger(nameof(LedgerFaults.NoBeats), 1000, Invariants.Converged),
        Ledger(nameof(LedgerFaults.FlushAcrossReconnect), 500, Invariants.Published),
        Ledger(nameof(LedgerFaults.GroupNotSplit), 500, Invariants.Answered),
        Ledger(nameof(LedgerFaults.LeaseInDoubtIgnored), 5000, Invariants.True),
        Ledger(nameof(LedgerFaults.RefusalFromFlight), 20, Invariants.True),
        Model(nameof(ModelFaults.RetriesWithFreshKeys), 50, Invariants.Once),
        Model(nameof(ModelFaults.ClientForgetsOpenAttempts), 1000, Invariants.Told),
        Model(nameof(ModelFaults.ForwarderForgetsOpenAttempts), 500, Invariants.Told),
        Model(nameof(ModelFaults.MailboxNotBounded), 50, Invariants.Bounded),
        Replica(nameof(ReplicaFaults.ApplyBelowSequence), 500, Invariants.Forward),
        Replica(nameof(ReplicaFaults.SequenceAdvancedBeforeParse), 100, Invariants.Shown),
        Replica(nameof(ReplicaFaults.IgnoreBeats), 1000, Invariants.Converged),
        Replica(nameof(ReplicaFaults.GapNotNoticed), 20, Invariants.Noticed),
        Replica(nameof(ReplicaFaults.TombstoneIgnored), 50, Invariants.Fresh),
        Replica(nameof(ReplicaFaults.HistoryResetIgnored), 1000, Invariants.Converged, Invariants.Fresh),
        Replica(nameof(ReplicaFaults.RefetchOnceNeverAgain), 200, Invariants.Converged),
        Replica(nameof(ReplicaFaults.WrongKeyAccepted), 100, Invariants.Shown),
        Replica(nameof(ReplicaFaults.RefetchForever), 300, Invariants.NoStorm),
    ];

    private static IEnumerable<Mutant> Collections() =>
    [
        Collection(nameof(CollectionFaults.SnapshotBeforeSubscribe), 100, CollectionInvariants.Early),
        Collection(nameof(CollectionFaults.CoveredByLastPage), 500, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.RangesNotSettled), 30_000, CollectionInvariants.Forward),
        Collection(nameof(CollectionFaults.CoveredNotChecked), 500, CollectionInvariants.Forward),
        Collection(nameof(CollectionFaults.AbsentKept), 200, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.CoveredOverGap), 1000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.TombstoneForgottenAtOnce), 1000, CollectionInvariants.Forward),
        Collection(nameof(CollectionFaults.BeatNamesIgnored), 200, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.MissedBeatsIgnored), 5000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.BeatsIgnored), 50, CollectionInvariants.Ahead),
        Collection(nameof(CollectionFaults.BufferLossForgotten), 8000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.FloorIgnored), 8000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.ThroughIgnored), 200, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.HistoryIgnored), 500, CollectionInvariants.Current),
        Collection(nameof(CollectionFaults.ResetKeepsSequences), 3000, CollectionInvariants.Converged),
        Collection(nameof(CollectionFaults.OldAnswersTaken), 2000, CollectionInvariants.Absent),
        Collection(nameof(CollectionFaults.AheadTakenAtOnce), 5000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.GuessTrusted), 5000, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.SequenceNotChecked), 100, CollectionInvariants.Forward),
        Collection(nameof(CollectionFaults.TombstoneIgnored), 50, CollectionInvariants.Covered),
        Collection(nameof(CollectionFaults.MajorIgnored), 200, CollectionInvariants.Shown),
        Collection(nameof(CollectionFaults.RefusedClears), 200, CollectionInvariants.Announced),
        Collection(nameof(CollectionFaults.RefetchForever), 2000, CollectionInvariants.NoStorm),
        Collection(nameof(CollectionFaults.NoRetry), 50, CollectionInvariants.Current),
    ];

    private static IEnumerable<Mutant> Changefeeds() =>
    [
        Reader(nameof(LedgerFaults.FromNowInsteadOfReset), 100, FeedInvariants.NoHole),
        Reader(nameof(LedgerFaults.CursorHistoryIgnored), 300, FeedInvariants.NoHole),
        Reader(nameof(LedgerFaults.CursorFloorIgnored), 300, FeedInvariants.NoHole),
        Reader(nameof(LedgerFaults.DropNotTold), 300, FeedInvariants.NoHole),
        Reader(nameof(LedgerFaults.TailStartIgnored), 300, FeedInvariants.NoHole),
        Reader(nameof(LedgerFaults.TailGapNotNoticed), 10_000, FeedInvariants.CaughtUp),
        Reader(nameof(LedgerFaults.ThroughIsHead), 100, FeedInvariants.NoHole),
        FeedModel(nameof(FeedModelFaults.CursorOnId), 1000, FeedInvariants.Replay),
        FeedModel(nameof(FeedModelFaults.PageInTwoStatements), 300, FeedInvariants.NoHole),
        FeedModel(nameof(FeedModelFaults.EpochInCursors), 300, FeedInvariants.Cause),
        FeedModel(nameof(FeedModelFaults.SlowReaderSkips), 300, FeedInvariants.NoHole),
        FeedModel(nameof(FeedModelFaults.ReconnectFromNow), 300, FeedInvariants.NoHole),
    ];

    private static IEnumerable<Mutant> Insights() =>
    [
        new(nameof(InsightFaults.CursorsApart), SimWorld.Insights, [InsightInvariants.Current], 300, new SimFaults
        {
            Insight = new InsightFaults { CursorsApart = new Dictionary<FeedId, FeedPosition>() },
        }),
        Insight(nameof(InsightFaults.HeadsAfterLists), 2000, InsightInvariants.Current, InsightInvariants.Settles),
        Insight(nameof(InsightFaults.NewestCoalescedAway), 2000, InsightInvariants.Current),
        Insight(nameof(InsightFaults.OlderReplacesNewer), 300, InsightInvariants.Forward),
        Insight(nameof(InsightFaults.UnknownTakenForWritten), 10_000, InsightInvariants.Current),
        Insight(nameof(InsightFaults.DeadLetterForgotten), 300, InsightInvariants.Current),
        Insight(nameof(InsightFaults.NeverRedelivered), 300, InsightInvariants.Settles),
    ];

    private static Mutant Insight(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Insights, invariants, histories, new SimFaults { Insight = On<InsightFaults>(name) });

    private static Mutant Ledger(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Whole, invariants, histories, new SimFaults { Ledger = On<LedgerFaults>(name) });

    private static Mutant Model(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Whole, invariants, histories, new SimFaults { Model = On<ModelFaults>(name) });

    private static Mutant Replica(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Whole, invariants, histories, new SimFaults { Replica = On<ReplicaFaults>(name) });

    private static Mutant Collection(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Collections, invariants, histories, new SimFaults { Collection = On<CollectionFaults>(name) });

    private static Mutant Reader(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Changefeeds, invariants, histories, new SimFaults { Ledger = On<LedgerFaults>(name) });

    private static Mutant FeedModel(string name, int histories, params string[] invariants) =>
        new(name, SimWorld.Changefeeds, invariants, histories, new SimFaults { Feed = On<FeedModelFaults>(name) });

    private static T On<T>(string name) where T : new()
    {
        var faults = new T();
        SwitchOf(typeof(T), name).SetValue(faults, true);
        return faults;
    }

    private static PropertyInfo SwitchOf(Type faults, string name) =>
        faults.GetProperty(name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)!;
}

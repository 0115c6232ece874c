using Sync.Contracts;
using Sync.Ledger;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>What a step of a plan is.</summary>
internal enum StepKind
{
    /// <summary>A write, or an atomic list of them, of records that all clients share.</summary>
    Write,

    /// <summary>An event appended to a History.</summary>
    Append,

    /// <summary>Lines for the import, which owns its keys and sends many in a request.</summary>
    Lines,

    /// <summary>A fault of <see cref="FaultKinds.OfSteps"/>.</summary>
    Fault,
}

/// <summary>One operation of a history. What it draws comes from its own seed, so that it stays the same when others are
/// taken out.</summary>
internal readonly record struct PlannedStep(int Index, TimeSpan At, StepKind Kind, FaultKinds Fault, ulong Seed);

/// <summary>Everything about one history that is decided before it begins; all of it from the seed. What happens at each
/// message is drawn on the way, by whom it happens to, from a stream of its own seed.</summary>
internal sealed record Plan
{
    private const int StepsMin = 200;
    private const int StepsMax = 260;
    private static readonly int[] Densities = [5, 12, 25, 45];
    private static readonly int[] Intensities = [3, 8, 20];
    private static readonly IReadOnlySet<int> NoStrikes = new HashSet<int>();

    public required ulong Seed { get; init; }

    /// <summary>What clients do and what befalls processes, in order of time.</summary>
    public required PlannedStep[] Steps { get; init; }

    /// <summary>Faults that may happen.</summary>
    public required FaultKinds Kinds { get; init; }

    /// <summary>None for a safety history.</summary>
    public required Handicap Handicap { get; init; }

    /// <summary>Faults at calls and messages that do not happen, by their number in the history.</summary>
    public IReadOnlySet<int> Spared { get; init; } = NoStrikes;

    public required int Keys { get; init; }
    public required int Feeds { get; init; }
    public required int Writers { get; init; }
    public required int Hosts { get; init; }
    public required int ReplicasPerHost { get; init; }
    public required int CollectionsPerHost { get; init; }
    public required int MailboxMax { get; init; }

    /// <summary>Chance of a fault after each operation, and at each call and message, in percent.</summary>
    public required int Intensity { get; init; }

    /// <summary>How many of the writes expect a sequence, and how many have an idempotency key, in percent.</summary>
    public required int Conditional { get; init; }
    public required int Repeatable { get; init; }

    public required LedgerOptions Ledger { get; init; }
    public required RefetchOptions Refetch { get; init; }
    public required CollectionRules Collections { get; init; }

    /// <summary>Number of operations: what clients do, and what the plan does to processes, connections and the ledger.
    /// Faults at single calls and messages are not counted.</summary>
    public int Operations => Steps.Length;

    public static Plan Of(ulong seed)
    {
        var random = new SimRandom(seed);
        var kinds = FaultKinds.None;
        var density = random.Pick(Densities);
        for (var kind = 1UL; kind <= (ulong)FaultKinds.All; kind <<= 1)
            if (random.Chance(density)) kinds |= (FaultKinds)kind & FaultKinds.All;
        // A restore takes acknowledged writes back, so most histories are without one.
        if (random.Chance(80)) kinds &= ~FaultKinds.Restore;
        var handicap = random.Chance(75) ? Handicap.None : (Handicap)random.From(1, (int)Handicap.WriterWithoutStore);
        if (handicap != Handicap.None) kinds &= ~FaultKinds.Restore;
        var intensity = random.Pick(Intensities);
        return new Plan
        {
            Seed = seed,
            Kinds = kinds,
            Handicap = handicap,
            Keys = random.From(1, 6),
            Feeds = random.Chance(70) ? 1 : 2,
            Writers = random.Chance(70) ? 2 : 3,
            Hosts = handicap is Handicap.None ? random.From(1, 2) : 2,
            ReplicasPerHost = random.From(2, 4),
            CollectionsPerHost = random.Chance(80) ? 1 : 2,
            MailboxMax = random.Chance(50) ? 1000 : random.From(2, 8),
            Intensity = intensity,
            Conditional = random.Chance(75) ? 30 : 95,
            Repeatable = random.Chance(75) ? 85 : 30,
            Ledger = LedgerOf(random),
            Refetch = RefetchOf(random),
            Collections = CollectionsOf(random),
            Steps = StepsOf(random, kinds, intensity),
        };
    }

    /// <summary>The vaults; the second is in a feed of its own where there are two.</summary>
    public static IReadOnlyList<string> Vaults { get; } = ["g--x", "g--y"];

    /// <summary>The collection that holds events.</summary>
    public const string Log = "log";

    public FeedId FeedOf(string vault) => new(vault == Vaults[0] ? 0 : Feeds - 1);

    public SyncedKey KeyOf(int index) => new(Vaults[index % 2], index % 3 == 2 ? "b" : "a", $"k{index}");

    private static PlannedStep[] StepsOf(SimRandom random, FaultKinds kinds, int intensity)
    {
        var armed = new List<FaultKinds>();
        for (var kind = 1UL << 24; kind <= (ulong)FaultKinds.OfSteps; kind <<= 1)
            if (((ulong)(kinds & FaultKinds.OfSteps) & kind) != 0) armed.Add((FaultKinds)kind);
        var steps = new PlannedStep[random.From(StepsMin, StepsMax)];
        var at = TimeSpan.Zero;
        for (var index = 0; index < steps.Length; index++)
        {
            // Bursts make groups and gaps; pauses make beats and lost tails.
            at += random.Chance(50) ? random.Between(0, 2) : random.Chance(94) ? random.Between(2, 40)
                : random.Between(50, 600);
            var fault = armed.Count > 0 && random.Chance(intensity) ? random.Pick(armed) : FaultKinds.None;
            var drawn = random.Below(100);
            var kind = fault != FaultKinds.None ? StepKind.Fault
                : drawn < 70 ? StepKind.Write : drawn < 80 ? StepKind.Append : StepKind.Lines;
            steps[index] = new(index, at, kind, fault, random.Next());
        }
        return steps;
    }

    // Times are shorter than the defaults where the defaults would only make histories longer; small limits reach the
    // paths that large ones hide.
    private static LedgerOptions LedgerOf(SimRandom random) => new()
    {
        Owner = "any",
        GroupFactsMax = random.Chance(70) ? 1000 : random.From(1, 4),
        GroupsInFlightMax = random.Chance(60) ? 2 : random.From(1, 4),
        GroupAheadWritesMin = random.From(1, 3),
        QueuedWritesMax = random.Chance(80) ? 1000 : 8,
        HeadsCachedMax = random.Chance(60) ? 100 : random.From(1, 3),
        CollectionsCachedMax = random.Chance(70) ? 100 : 1,
        IdempotencyKeysCachedMax = random.Chance(50) ? 1000 : random.From(1, 4),
        LoadItemsMax = random.Chance(70) ? 1000 : random.From(1, 2),
        LeaseTtl = TimeSpan.FromMilliseconds(600),
        LeaseRenewEvery = TimeSpan.FromMilliseconds(200),
        AcquireEvery = TimeSpan.FromMilliseconds(150),
        WriteTimeout = random.Chance(60) ? TimeSpan.FromSeconds(2) : TimeSpan.FromMilliseconds(60),
        RetryDelay = TimeSpan.FromMilliseconds(20),
        DrainTimeout = TimeSpan.FromMilliseconds(500),
        PublishBufferFactsMax = random.Chance(60) ? 1000 : random.From(1, 4),
        PublishReadFactsMax = random.From(1, 4),
    };

    private static RefetchOptions RefetchOf(SimRandom random) => new()
    {
        RequestsInFlightMax = random.From(1, 4),
        KeysPerRequestMax = random.From(1, 4),
        AttemptsMax = random.Chance(50) ? 10 : random.From(1, 3),
        RequestTimeout = TimeSpan.FromSeconds(1),
    };

    private static CollectionRules CollectionsOf(SimRandom random) => new()
    {
        Expected = new SchemaVersion("1.0"),
        BufferMax = random.Chance(50) ? 1000 : random.From(1, 4),
        RequestsMax = random.From(1, 3),
        SnapshotLimit = random.Chance(50) ? 1000 : random.From(1, 4),
        ChangesLimit = random.Chance(50) ? 1000 : random.From(1, 4),
        RefetchLimit = random.From(1, 4),
        RefetchAttemptsMax = 100,
        SkewsListedMax = 2,
        CheckSpread = TimeSpan.FromMilliseconds(200),
    };
}

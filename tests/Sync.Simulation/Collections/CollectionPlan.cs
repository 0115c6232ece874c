using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>What may go wrong around a collection replica. Each history arms a random subset.</summary>
[Flags]
internal enum CollectionFaultKinds
{
    None = 0,
    Drop = 1 << 0,
    DropBeats = 1 << 1,
    Duplicate = 1 << 2,
    Reorder = 1 << 3,
    Reconnect = 1 << 4,
    Overflow = 1 << 5,
    PublisherRestart = 1 << 6,
    TakeOver = 1 << 7,
    AnswerFailed = 1 << 8,
    AnswerLate = 1 << 9,
    AnswerRepeated = 1 << 10,
    Reload = 1 << 11,
    Restore = 1 << 12,
    Retention = 1 << 13,
    BadValues = 1 << 14,
    OtherMajor = 1 << 15,
    SmallBuffer = 1 << 16,
    WrongKey = 1 << 17,
    Corrupt = 1 << 18,
    All = (1 << 19) - 1,
}

/// <summary>Everything about one history that is decided before it begins; all of it from the seed.</summary>
internal sealed record CollectionPlan
{
    private static readonly int[] Densities = [10, 25, 45];
    private static readonly string[] KeyNames = ["a", "b", "c"];

    public required ulong Seed { get; init; }
    public required int Steps { get; init; }
    public required CollectionFaultKinds Kinds { get; init; }
    public required SyncedPattern Scope { get; init; }
    public required SyncedKey[] Keys { get; init; }
    public required int Feeds { get; init; }
    public required int PageSize { get; init; }
    public required int ChangesSize { get; init; }

    /// <summary>Chance of a fault at each step, in percent.</summary>
    public required int Intensity { get; init; }

    /// <summary>How long the publisher waits for quiet before a beat: some beat with almost every change.</summary>
    public required TimeSpan BeatQuiet { get; init; }

    /// <summary>How often each of these happens, relative to the others: writes, publishing, delivery,
    /// answers.</summary>
    public required int[] Weights { get; init; }

    public bool Has(CollectionFaultKinds kind) => (Kinds & kind) != 0;

    public static CollectionPlan Of(ulong seed)
    {
        var random = new SimRandom(seed);
        var kinds = CollectionFaultKinds.None;
        var density = random.Pick(Densities);
        for (var kind = 1; kind < (int)CollectionFaultKinds.All; kind <<= 1)
            if (random.Chance(density)) kinds |= (CollectionFaultKinds)kind;
        if (random.Chance(70)) kinds &= ~CollectionFaultKinds.Restore;
        var shape = random.Below(8);
        var scope = shape switch
        {
            < 3 => SyncedPattern.OfCollection("g--x", "c"),
            < 5 => SyncedPattern.OfVault("g--x"),
            5 => SyncedPattern.OfGroup("g", "c"),
            _ => SyncedPattern.OfGroup("g"),
        };
        return new CollectionPlan
        {
            Seed = seed,
            Steps = random.From(15, 60),
            Kinds = kinds,
            Scope = scope,
            Keys = KeysOf(random, shape),
            Feeds = shape >= 5 ? random.From(1, 2) : 1,
            PageSize = random.From(1, 3),
            ChangesSize = random.Chance(50) ? 100 : random.From(1, 3),
            Intensity = random.From(5, 30),
            BeatQuiet = TimeSpan.FromMilliseconds(random.Chance(50) ? 100 : 5),
            Weights = [random.From(1, 6), random.From(2, 8), random.From(2, 8), random.From(1, 6)],
        };
    }

    // Keys in the order of a snapshot; one collection more than the scope where that is possible.
    private static SyncedKey[] KeysOf(SimRandom random, int shape)
    {
        var keys = new List<SyncedKey>();
        var count = random.From(1, 3);
        for (var index = 0; index < count; index++) keys.Add(new("g--x", "c", KeyNames[index]));
        if (shape >= 3) keys.Add(new("g--x", "d", "a"));
        if (shape >= 5) keys.Add(new("g--y", "c", "a"));
        if (shape >= 6) keys.Add(new("g--y", "c", "b"));
        return [.. keys];
    }

    /// <summary>The feed of a vault.</summary>
    public int FeedOf(string vault) => Feeds == 2 && vault == "g--y" ? 1 : 0;

    public CollectionRules RulesOf(CollectionPlantedFaults faults) => new()
    {
        Expected = new("1.0"),
        BufferMax = Has(CollectionFaultKinds.SmallBuffer) ? 1 + (int)(Seed % 3) : 100,
        RequestsMax = 1 + (int)(Seed % 3),
        // Else the first page is cut, and only the third one can bring a guess.
        SnapshotLimit = Seed / 3 % 2 == 0 ? PageSize : SnapshotRequest.LimitMax,
        SkewsListedMax = 1,
        RefetchLimit = 2,
        RefetchAttemptsMax = 100,
        CheckSpread = TimeSpan.FromMilliseconds(50),
        Faults = faults,
    };
}

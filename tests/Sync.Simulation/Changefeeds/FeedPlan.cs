using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Changefeeds;

/// <summary>What may go wrong around the readers of a changefeed. Each history arms a random subset.</summary>
[Flags]
internal enum FeedFaultKinds
{
    None = 0,
    TakeOver = 1 << 0,
    NodeCrash = 1 << 1,
    CommitUnknown = 1 << 2,
    BeatLost = 1 << 3,
    ReadFailed = 1 << 4,
    Cut = 1 << 5,
    SlowReader = 1 << 6,
    FloorMoves = 1 << 7,
    Restore = 1 << 8,
    HostileCursor = 1 << 9,
    SmallTail = 1 << 10,
    DropToLatest = 1 << 11,
    All = (1 << 12) - 1,
}

/// <summary>Everything about one history that is decided before it begins; all of it from the seed.</summary>
internal sealed record FeedPlan
{
    public const int NodesMax = 3;
    private static readonly int[] Densities = [15, 35, 60];

    /// <summary>The vaults that are written to, of two groups and of none.</summary>
    public static readonly string[] Vaults = ["g--x", "g--y", "h--x", "acme"];

    public static readonly string[] Collections = ["a", "b"];

    public required ulong Seed { get; init; }
    public required int Steps { get; init; }
    public required FeedFaultKinds Kinds { get; init; }
    public required int Nodes { get; init; }
    public required int Readers { get; init; }
    public required int PageSize { get; init; }
    public required int DropBehind { get; init; }
    public required int ReachedPositions { get; init; }

    /// <summary>Items on their way to a client; with that many the server waits.</summary>
    public required int SocketItems { get; init; }

    /// <summary>Chance of a fault at each step, in percent.</summary>
    public required int Intensity { get; init; }

    /// <summary>How often each of these happens, relative to the others: commits, servers, clients, tails.</summary>
    public required int[] Weights { get; init; }

    public bool Has(FeedFaultKinds kind) => (Kinds & kind) != 0;

    public static FeedPlan Of(ulong seed)
    {
        var random = new SimRandom(seed);
        var kinds = FeedFaultKinds.None;
        var density = random.Pick(Densities);
        for (var kind = 1; kind < (int)FeedFaultKinds.All; kind <<= 1)
            if (random.Chance(density)) kinds |= (FeedFaultKinds)kind;
        if (random.Chance(50)) kinds &= ~FeedFaultKinds.Restore;
        return new FeedPlan
        {
            Seed = seed,
            Steps = random.From(60, 250),
            Kinds = kinds,
            Nodes = random.From(1, NodesMax),
            Readers = random.From(1, 4),
            PageSize = random.From(1, 5),
            DropBehind = random.From(2, 8),
            ReachedPositions = random.From(1, 10),
            SocketItems = random.From(1, 4),
            Intensity = random.From(3, 20),
            Weights = [random.From(1, 4), random.From(3, 8), random.From(3, 8), random.From(1, 4)],
        };
    }

    public ChangefeedOptions Options => new()
    {
        TailFactsMax = Has(FeedFaultKinds.SmallTail) ? 1 + (int)(Seed % 4) : 1000,
        DropBehind = DropBehind,
        ReachedPositions = ReachedPositions,
    };

    /// <summary>What a reader asks for at first.</summary>
    public FeedRequest RequestOf(SimRandom random, FeedLedger ledger)
    {
        var feed = new FeedId(0);
        var filter = random.Below(5) switch
        {
            0 => new FeedFilter(feed, Vault: random.Pick(Vaults)),
            1 => new FeedFilter(feed, Group: "g"),
            2 => new FeedFilter(feed, Group: "g", Collection: random.Pick(Collections)),
            _ => new FeedFilter(feed),
        };
        var policy = Has(FeedFaultKinds.DropToLatest) && random.Chance(50)
            ? DeliveryPolicy.DropToLatest : DeliveryPolicy.Disconnect;
        if (Has(FeedFaultKinds.HostileCursor) && random.Chance(40))
            return new FeedRequest(filter, HostileOf(random, feed, ledger), Policy: policy);
        var isFromBeginning = policy == DeliveryPolicy.Disconnect && random.Chance(60);
        return new FeedRequest(filter, FromBeginning: isFromBeginning, Policy: policy);
    }

    private static FeedPosition HostileOf(SimRandom random, FeedId feed, FeedLedger ledger) => random.Below(4) switch
    {
        0 => new(feed, ledger.History, new(long.MaxValue)),
        1 => new(feed, ledger.History, new(ledger.Head.Value + random.From(1, 5))),
        2 => new(feed, new(ledger.History.Value ^ 1), ledger.Head),
        _ => new(feed, new(0), Position.Start),
    };
}

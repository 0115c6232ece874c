using Sync.Lobby.Insights;

namespace Sync.Simulation.Insights;

/// <summary>What may go wrong around the hosts that keep summaries. Each history arms a random subset.</summary>
[Flags]
internal enum InsightFaultKinds
{
    None = 0,
    Crash = 1 << 0,
    CallFailed = 1 << 1,
    UnknownWritten = 1 << 2,
    UnknownNotWritten = 1 << 3,
    MessageLost = 1 << 4,
    MessageDoubled = 1 << 5,
    Poison = 1 << 6,
    Restore = 1 << 7,
    Slow = 1 << 8,
    StreamCut = 1 << 9,
    All = (1 << 10) - 1,
}

/// <summary>Everything about one history that is decided before it begins; all of it from the seed.</summary>
internal sealed record InsightPlan
{
    public const string Group = "g";
    private static readonly int[] Densities = [15, 35, 60];

    public required ulong Seed { get; init; }
    public required int Steps { get; init; }
    public required InsightFaultKinds Kinds { get; init; }
    public required int Hosts { get; init; }
    public required int Shards { get; init; }
    public required int Keys { get; init; }

    /// <summary>Most records or changes of a page.</summary>
    public required int PageSize { get; init; }

    /// <summary>Chance of a fault at each step, in percent.</summary>
    public required int Intensity { get; init; }

    /// <summary>How often each of these happens, relative to the others: writes, calls, hosts.</summary>
    public required int[] Weights { get; init; }

    public bool Has(InsightFaultKinds kind) => (Kinds & kind) != 0;

    public InsightOptions Options => new()
    {
        InFlightMax = 1 + (int)(Seed % 3),
        DeriveTimeout = TimeSpan.FromMilliseconds(600),
        RetriesMax = (int)(Seed % 3),
        RetryDelayMin = TimeSpan.FromMilliseconds(20),
        RetryDelayMax = TimeSpan.FromMilliseconds(200),
    };

    public static InsightPlan Of(ulong seed)
    {
        var random = new SimRandom(seed);
        var kinds = InsightFaultKinds.None;
        var density = random.Pick(Densities);
        for (var kind = 1; kind < (int)InsightFaultKinds.All; kind <<= 1)
            if (random.Chance(density)) kinds |= (InsightFaultKinds)kind;
        if (random.Chance(60)) kinds &= ~InsightFaultKinds.Restore;
        return new InsightPlan
        {
            Seed = seed,
            Steps = random.From(100, 500),
            Kinds = kinds,
            Hosts = random.From(1, 2),
            Shards = random.From(1, 4),
            Keys = random.From(1, 4),
            PageSize = random.Chance(50) ? 100 : random.From(1, 3),
            Intensity = random.From(2, 12),
            Weights = [random.From(1, 3), random.From(8, 20), random.From(4, 10)],
        };
    }
}

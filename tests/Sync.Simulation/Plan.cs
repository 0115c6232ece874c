using Sync.Contracts;
using Sync.Ledger;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>Everything about one history that is decided before it begins; all of it from the seed.</summary>
internal sealed record Plan
{
    public required ulong Seed { get; init; }
    public required int Operations { get; init; }
    public required FaultKinds Kinds { get; init; }
    public required int Keys { get; init; }
    public required int Feeds { get; init; }
    public required int Hosts { get; init; }
    public required int ReplicasPerHost { get; init; }

    /// <summary>Chance of a world fault after each operation, and of a message fault at each message, in
    /// percent.</summary>
    public required int Intensity { get; init; }

    public required LedgerOptions Ledger { get; init; }
    public required RefetchOptions Refetch { get; init; }

    public static Plan Of(ulong seed)
    {
        var random = new SimRandom(seed);
        var kinds = FaultKinds.None;
        var density = random.Pick(Densities);
        for (var kind = 1; kind < (int)FaultKinds.All; kind <<= 1)
            if (random.Chance(density)) kinds |= (FaultKinds)kind;
        // A restore takes acknowledged writes back, so most histories are without one.
        if (random.Chance(80)) kinds &= ~FaultKinds.Restore;
        return new Plan
        {
            Seed = seed,
            Operations = random.From(40, 200),
            Kinds = kinds,
            Keys = random.From(1, 6),
            Feeds = random.Chance(75) ? 1 : 2,
            Hosts = random.From(1, 2),
            ReplicasPerHost = random.From(2, 5),
            Intensity = random.Pick(Intensities),
            Ledger = LedgerOf(random),
            Refetch = RefetchOf(random),
        };
    }

    private static readonly int[] Densities = [5, 12, 25, 45];
    private static readonly int[] Intensities = [3, 8, 20];

    // Times are shorter than the defaults where the defaults would only make histories longer; small limits reach the
    // paths that large ones hide.
    private static LedgerOptions LedgerOf(SimRandom random) => new()
    {
        Owner = "any",
        GroupFactsMax = random.Chance(70) ? 1000 : random.From(1, 4),
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

    public SyncedKey KeyOf(int index) =>
        new(Feeds == 1 || index % 2 == 0 ? "acme" : "beta", index % 3 == 2 ? "b" : "a", $"k{index}");
}

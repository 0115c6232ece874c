namespace Sync.ChaosTests.Topology;

/// <summary>What a <see cref="World"/> is made of.</summary>
internal sealed record WorldOptions
{
    /// <summary>Where its logs go.</summary>
    public required RunFolder Run { get; init; }

    /// <summary>Of the load, and of chances in proxies.</summary>
    public required int Seed { get; init; }

    /// <summary>True: writers and replica hosts run under libfaketime, so that their wall clock can be stepped.</summary>
    public bool Clocks { get; init; }

    /// <summary>Disks below Postgres that can be filled; null = the machine's.</summary>
    public SmallDisks? Disks { get; init; }

    /// <summary>How the broker treats a subscriber that does not read: the shipped configuration's times.</summary>
    public string Broker { get; init; } = "write_deadline: \"2s\"\nping_interval: \"2s\"\nping_max: 2";
}

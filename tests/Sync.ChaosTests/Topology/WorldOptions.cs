using Sync.Testing.Postgres;

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

    /// <summary>How Postgres is set up.</summary>
    public PostgresServerOptions Postgres { get; init; } = new();
}

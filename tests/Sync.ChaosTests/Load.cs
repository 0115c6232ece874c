namespace Sync.ChaosTests;

/// <summary>What the load writes, and what replicas, streams and Insight follow.</summary>
internal static class Load
{
    /// <summary>The group of <see cref="Vaults"/>.</summary>
    public const string Group = "chaos";

    public const string Collection = "item";

    /// <summary>Keys over all vaults.</summary>
    public const int Keys = 200;

    /// <summary>Writes a second of all load clients together.</summary>
    public const int WritesPerSecond = 300;

    public const int Clients = 4;

    /// <summary>Three shards of <see cref="Group"/>.</summary>
    public static readonly IReadOnlyList<string> Vaults = ["chaos--a", "chaos--b", "chaos--c"];
}

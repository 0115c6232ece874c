namespace Sync.Contracts;

/// <summary>Where a vault's facts go.</summary>
public static class Feeds
{
    /// <summary>Feeds of a ledger unless it was created with another number.</summary>
    public const int CountDefault = 8;

    /// <summary>Most feeds a ledger can have.</summary>
    public const int CountMax = 1024;

    /// <summary><c>CRC-32(vault) mod feeds</c>; an override row of the ledger goes before it.</summary>
    /// <param name="vault">The vault's name.</param>
    /// <param name="feeds">The ledger's number of feeds, 1 to 1,024.</param>
    public static FeedId Of(string vault, int feeds) => new((int)(Crc32.Of(vault) % (uint)feeds));
}

/// <summary>A position that names its feed and history: what a receipt carries and <c>WaitFor</c> takes.</summary>
public readonly record struct FeedPosition(FeedId Feed, HistoryId History, Position Position)
{
    /// <summary><c>feed-history-position</c>, as a cursor.</summary>
    public override string ToString() => $"{Feed}-{History}-{Position}";
}

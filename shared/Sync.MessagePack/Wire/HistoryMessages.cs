using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Asks for the facts of a key, oldest first (<c>sync.history</c>).</summary>
/// <param name="After">Facts with a higher sequence; 0 = from the first.</param>
/// <param name="Limit">Most facts of the page, 1 to <see cref="LimitMax"/>.</param>
public readonly record struct HistoryRequest(Sequence After, int Limit)
{
    /// <summary>Most facts of one page.</summary>
    public const int LimitMax = 1000;

    /// <summary>What a request gets that names no limit.</summary>
    public const int LimitDefault = 100;
}

/// <summary>A page of a key's facts, all of one database snapshot.</summary>
public sealed class HistoryPage
{
    /// <summary>The feed of the vault.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The ledger's history.</summary>
    public required HistoryId History { get; init; }

    /// <summary>Oldest position kept.</summary>
    public required Position Floor { get; init; }

    /// <summary>The feed's position that the page stands at.</summary>
    public required Position Position { get; init; }

    /// <summary>Oldest first.</summary>
    public required IReadOnlyList<Fact> Facts { get; init; }

    /// <summary>True: there are more after the last one; ask again.</summary>
    public bool More { get; init; }
}

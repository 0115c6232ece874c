using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Sync.Contracts;

/// <summary>The text form of a cursor, <c>feed-history-position</c>: opaque to clients, strict when read back.</summary>
public static class FeedCursor
{
    /// <summary>Longest text that is looked at.</summary>
    public const int LengthMax = 64;

    /// <summary>Writes a cursor.</summary>
    public static string ToText(FeedPosition cursor) => string.Create(
        CultureInfo.InvariantCulture, $"{cursor.Feed.Value}-{cursor.History.Value}-{cursor.Position.Value}");

    /// <summary>Reads a cursor. Every cursor has exactly one text; hostile input only gives false.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out FeedPosition cursor)
    {
        cursor = default;
        if (text is null || text.Length > LengthMax) return false;
        var parts = text.Split('-');
        if (parts.Length != 3 || !TryNumber(parts[0], Feeds.CountMax - 1, out var feed)
            || !TryNumber(parts[1], long.MaxValue, out var history)
            || !TryNumber(parts[2], long.MaxValue, out var position)) return false;
        cursor = new FeedPosition(new((int)feed), new(history), new(position));
        return true;
    }

    private static bool TryNumber(string text, long max, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= max
        && (text.Length == 1 || text[0] != '0');
}

/// <summary>Which changes of one feed a consumer wants. Names the feed or a vault; the rest narrows.</summary>
/// <param name="Feed">The feed; null = the vault's.</param>
/// <param name="Group">Only shard vaults of this group (needs a feed).</param>
/// <param name="Vault">Only this vault.</param>
/// <param name="Collection">Only this collection (of the vault, or of every vault of the group).</param>
public sealed record FeedFilter(FeedId? Feed = null, string? Group = null, string? Vault = null, string? Collection = null)
{
    /// <summary>True when a change of the key is wanted.</summary>
    public bool Matches(SyncedKey key) =>
        (Vault is null || key.Vault == Vault)
        && (Group is null || Names.GroupOf(key.Vault) == Group)
        && (Collection is null || key.Collection == Collection);
}

/// <summary>One item of a changefeed.</summary>
public abstract record FeedEvent
{
    private FeedEvent(FeedPosition at) => At = at;

    /// <summary>The cursor behind this item: give it to go on from here.</summary>
    public FeedPosition At { get; }

    /// <summary>A committed change.</summary>
    public sealed record Change : FeedEvent
    {
        /// <summary>Makes one; its cursor is the envelope's own place.</summary>
        public Change(Envelope envelope) : base(new FeedPosition(envelope.Feed, envelope.History, envelope.Position)) => Envelope = envelope;

        /// <summary>The change.</summary>
        public Envelope Envelope { get; }
    }

    /// <summary>Nothing else of what is wanted up to here: the cursor moved without a change.</summary>
    public sealed record Reached(FeedPosition Cursor) : FeedEvent(Cursor);

    /// <summary>The cursor cannot be continued; nothing is skipped silently. Load the state anew and go on from <see cref="FeedEvent.At"/>.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Head">The feed's head when this was said.</param>
    public sealed record Reset(ResetReason Reason, FeedPosition Head) : FeedEvent(Head);

    /// <summary>The consumer was too slow, and its policy is to see the latest: what lay between was dropped.</summary>
    /// <param name="After">The last position that was delivered.</param>
    /// <param name="Next">It goes on behind this.</param>
    public sealed record Dropped(FeedPosition After, FeedPosition Next) : FeedEvent(Next);
}

/// <summary>Why a cursor cannot be continued.</summary>
public enum ResetReason
{
    /// <summary>It is older than what is kept.</summary>
    Expired,

    /// <summary>It is ahead of the feed's head.</summary>
    Ahead,

    /// <summary>It is of another history: the ledger was restored.</summary>
    OtherHistory,
}

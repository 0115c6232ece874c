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
        if (parts.Length != 3 || !WholeNumber.TryParseCanonical(parts[0], Feeds.CountMax - 1, out var feed)
            || !WholeNumber.TryParseCanonical(parts[1], long.MaxValue, out var history)
            || !WholeNumber.TryParseCanonical(parts[2], long.MaxValue, out var position)) return false;
        cursor = new FeedPosition(new((int)feed), new(history), new(position));
        return true;
    }
}

/// <summary>Which changes of one feed a consumer wants. Names the feed or a vault; the rest narrows.</summary>
/// <param name="Feed">The feed; null = the vault's.</param>
/// <param name="Group">Only shard vaults of this group (needs a feed).</param>
/// <param name="Vault">Only this vault.</param>
/// <param name="Collection">Only this collection (of the vault, or of every vault of the group).</param>
public sealed record FeedFilter(FeedId? Feed = null, string? Group = null, string? Vault = null, string? Collection = null)
{
    /// <summary>True when a change of the key is wanted. A group has no reserved collections.</summary>
    public bool Matches(SyncedKey key) =>
        (Vault is null || key.Vault == Vault)
        && (Group is null || (Names.GroupOf(key.Vault) == Group && !Names.IsReserved(key.Collection)))
        && (Collection is null || key.Collection == Collection);

    /// <summary>What is wrong with it: a sentence for people; null = nothing.</summary>
    public string? Check()
    {
        if (Feed is null && Vault is null) return "a changefeed needs a vault or a feed: a cursor holds one feed";
        if (Group is not null && (Feed is null || Vault is not null)) return "a group needs a feed, and no vault";
        if (Collection is not null && Vault is null && Group is null) return "a collection needs a vault or a group";
        if (Feed is { Value: < 0 or >= Feeds.CountMax }) return $"a feed is a number from 0 to {Feeds.CountMax - 1}";
        return (Vault is null ? null : Names.CheckVault(Vault))
            ?? CheckGroup()
            ?? (Collection is null ? null : Names.CheckCollection(Collection));
    }

    private string? CheckGroup()
    {
        if (Group is null) return null;
        var shard = Group + Names.ShardSeparator + "x";
        return Names.CheckVault(shard) ?? (Names.GroupOf(shard) == Group ? null : "a group's name holds no '--'");
    }
}

/// <summary>The changes of one feed, from the ledger of this process or from a writer. Reading history and then what is
/// committed from then on leaves no hole. Every implementation passes <c>ChangefeedCompliance</c>.</summary>
public interface IChangefeed
{
    /// <summary>Reads until the caller stops. Pulled: nothing is queued for a caller, so a slow one costs the others
    /// nothing. Changes come in the order of their positions, each once.</summary>
    /// <param name="request">What, from where, and what becomes of a slow reader.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: the request contradicts itself or its
    /// cursor is of another feed. <see cref="SyncErrorCode.Exhausted"/>: too many readers. Else as reads of the
    /// ledger, or of the writer.</exception>
    IAsyncEnumerable<FeedEvent> ReadAsync(FeedRequest request, CancellationToken cancellation = default);
}

/// <summary>What to read of a changefeed.</summary>
/// <param name="Filter">Which changes.</param>
/// <param name="After">The cursor behind which to begin; null = see <paramref name="FromBeginning"/>.</param>
/// <param name="FromBeginning">Without a cursor: true = the oldest change that is kept; false = what comes from now on,
/// and the first item, a <see cref="FeedEvent.Reached"/>, tells where that is.</param>
/// <param name="Policy">What becomes of a reader that is far behind.</param>
public sealed record FeedRequest(
    FeedFilter Filter, FeedPosition? After = null, bool FromBeginning = false,
    DeliveryPolicy Policy = DeliveryPolicy.Disconnect)
{
    /// <summary>What is wrong with it: a sentence for people; null = nothing.</summary>
    public string? Check()
    {
        if (Filter.Check() is { } wrong) return wrong;
        if (After is { } after && Filter.Feed is { } feed && after.Feed != feed)
            return $"the cursor is of feed {after.Feed}, not of feed {feed}";
        return FromBeginning && Policy == DeliveryPolicy.DropToLatest
            ? "who wants all from the beginning cannot drop to the latest"
            : null;
    }
}

/// <summary>What becomes of a reader that does not keep up.</summary>
public enum DeliveryPolicy
{
    /// <summary>It gets every change, however late; over a connection that it does not read it is cut off, and comes
    /// back with its cursor.</summary>
    Disconnect,

    /// <summary>Far behind the head it is told with <see cref="FeedEvent.Dropped"/> and goes on with the
    /// latest.</summary>
    DropToLatest,
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

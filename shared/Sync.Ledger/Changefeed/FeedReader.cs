using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A reader of a changefeed, for operators.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Filter">What it wants.</param>
/// <param name="Policy">What becomes of it when it is slow.</param>
/// <param name="Cursor">Behind this it reads next; null = it has not begun.</param>
/// <param name="Lag">Positions between its cursor and the head as this process knows it.</param>
public sealed record ChangefeedReader(
    FeedId Feed, FeedFilter Filter, DeliveryPolicy Policy, Position? Cursor, long Lag);

/// <summary>Counts what a changefeed did since the start.</summary>
/// <param name="Readers">Readers now.</param>
/// <param name="Dropped">Readers that skipped to the latest.</param>
/// <param name="Resets">Cursors that could not be continued.</param>
/// <param name="LedgerReads">Reads of the ledger for readers.</param>
public readonly record struct ChangefeedCounts(int Readers, long Dropped, long Resets, long LedgerReads);

/// <summary>The place of a reader in the registry; its loop writes the cursor, anybody reads it.</summary>
internal sealed class FeedReader(FeedTail tail, FeedRequest request)
{
    private const long NotBegun = -1;
    private long _cursor = NotBegun;

    public void MovedTo(Position cursor) => Volatile.Write(ref _cursor, cursor.Value);

    public ChangefeedReader Status()
    {
        var cursor = Volatile.Read(ref _cursor);
        return cursor == NotBegun
            ? new(tail.Feed, request.Filter, request.Policy, null, 0)
            : new(tail.Feed, request.Filter, request.Policy, new Position(cursor),
                Math.Max(0, tail.Known.Value - cursor));
    }
}

using Sync.Contracts;

namespace Sync.Ledger;

// Reads: each under the one lock, so each is a snapshot.
public sealed partial class MemoryLedgerStore
{
    /// <inheritdoc/>
    public ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            if (!_keys.TryGetValue(key, out var found)) return new((Fact?)null);
            if (asOf.Sequence is { } sequence)
                return new(found.Of(sequence));
            return new(found.At(Resolve(Row(Place(key.Vault)), asOf)));
        }
    }

    /// <inheritdoc/>
    public ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var feed = Place(vault);
            var envelopes = new List<Envelope>();
            var answered = 0;
            long bytes = 0;
            while (answered < items.Count && bytes < bytesMax)
            {
                var item = items[answered++];
                var key = new SyncedKey(vault, item.Collection, item.Key);
                var fact = _keys.TryGetValue(key, out var found) ? found.Facts[^1] : null;
                if ((fact?.Sequence ?? Sequence.None) <= item.Have) continue;
                envelopes.Add(fact?.ToEnvelope(Info.History) ?? Absent(key, feed));
                bytes += fact?.Value.Length ?? 0;
            }
            return new(new EnvelopeAnswer
            {
                Feed = feed,
                History = Info.History,
                Floor = Position.Start.Next,
                Position = Row(feed).Position,
                Envelopes = envelopes,
                Answered = answered,
            });
        }
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> ListAsync(
        string vault, string collection, string? afterKey, int limit, AsOf asOf, int bytesMax,
        CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var feed = Place(vault);
            var page = new PageBuilder(limit, bytesMax);
            var at = Resolve(Row(feed), asOf);
            if (_collections.TryGetValue(new(vault, collection), out var found))
            {
                foreach (var key in found.KeysBehind(afterKey))
                {
                    var fact = _keys[new(vault, collection, key)].At(at);
                    if (fact is not null && fact.Op != ChangeOp.Delete && !page.TryAdd(fact)) break;
                }
            }
            return new(PageOf(feed, at, page));
        }
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> HistoryAsync(
        SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            var feed = Place(key.Vault);
            var page = new PageBuilder(limit, bytesMax);
            if (_keys.TryGetValue(key, out var found))
            {
                for (var index = Math.Max(0, after.Value); index < found.Facts.Count; index++)
                    if (!page.TryAdd(found.Facts[(int)index])) break;
            }
            return new(PageOf(feed, Row(feed).Position, page));
        }
    }

    /// <inheritdoc/>
    public ValueTask<FactPage> ReadFeedAsync(
        FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default) =>
        new(Window(new WindowQuery(feed, after), limit, bytesMax, int.MaxValue));

    /// <inheritdoc/>
    public ValueTask<FactPage> WindowAsync(
        WindowQuery query, int limit, int bytesMax, CancellationToken cancellation = default) =>
        new(Window(query, limit, bytesMax, ILedgerStore.PositionsWalkedMax));

    private FactPage Window(WindowQuery query, int limit, int bytesMax, int walkedMax)
    {
        lock (_gate)
        {
            var row = Row(query.Feed);
            var page = new PageBuilder(limit, bytesMax);
            var upTo = query.UpTo is { } wanted && wanted < row.Position ? wanted : row.Position;
            var first = Math.Clamp(query.After.Value, 0, row.Position.Value);
            var end = Math.Min(upTo.Value, first + walkedMax);
            for (var position = first; position < end; position++)
            {
                var fact = row.Facts[(int)position];
                if (Matches(query, fact) && !page.TryAdd(fact)) break;
            }
            return PageOf(query.Feed, row.Position, page) with
            {
                More = page.More || end < upTo.Value,
                Through = page.More ? page.Facts[^1].Position : new Position(end),
            };
        }
    }

    /// <inheritdoc/>
    public ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation = default)
    {
        lock (_gate) return new(PositionAt(Row(feed), time));
    }

    private static Position Resolve(MemoryFeed row, AsOf asOf)
    {
        if (asOf.Time is { } time) return PositionAt(row, time);
        return asOf.Position is { } position && position < row.Position ? position : row.Position;
    }

    private static Position PositionAt(MemoryFeed row, Timestamp time)
    {
        int low = 0, high = row.Facts.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (row.Facts[middle].TransactionTime <= time) low = middle + 1;
            else high = middle;
        }
        return new(low);
    }

    private static bool Matches(WindowQuery query, Fact fact) =>
        (query.Vault is null || fact.Key.Vault == query.Vault)
        && (query.Collection is null || fact.Key.Collection == query.Collection)
        && (query.KeyPrefix is null || fact.Key.Key.StartsWith(query.KeyPrefix, StringComparison.Ordinal));

    private FactPage PageOf(FeedId feed, Position position, PageBuilder page) =>
        new(feed, Info.History, Position.Start.Next, position, page.Facts, page.More);

    private Envelope Absent(SyncedKey key, FeedId feed) => new()
    {
        Key = key,
        Value = Nil,
        Sequence = Sequence.None,
        Feed = feed,
        History = Info.History,
    };

    private static readonly byte[] Nil = [0xC0];

    // Stops after the fact that passes the bytes, so that a page always has at least one.
    private sealed class PageBuilder(int limit, int bytesMax)
    {
        private long _bytes;

        public List<Fact> Facts { get; } = [];
        public bool More { get; private set; }

        public bool TryAdd(Fact fact)
        {
            if (Facts.Count >= limit || (Facts.Count > 0 && _bytes >= bytesMax))
            {
                More = true;
                return false;
            }
            Facts.Add(fact);
            _bytes += fact.Value.Length;
            return true;
        }
    }
}

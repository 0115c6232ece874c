using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Reads of single keys and of feeds.</summary>
internal sealed class Reads(Connections connections, NameDirectory names, FeedSql[] feeds, HistoryId history)
{
    internal ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation) =>
        names.Remembered(vault) is { } row
            ? ValueTask.FromResult(row.Feed)
            : connections.ReadAsync((connection, token) => FeedOfAsync(connection, vault, token), cancellation);

    internal ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation) =>
        connections.ReadAsync((connection, token) => GetAsync(connection, key, asOf, token), cancellation);

    internal ValueTask<FactPage> HistoryAsync(SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                var collection = await names.CollectionAsync(connection, key, token).ConfigureAwait(false);
                var feed = collection?.Feed ?? await FeedOfAsync(connection, key.Vault, token).ConfigureAwait(false);
                return await PageAsync(
                    connection, feed, feeds[feed.Value].History, limit, token, Value(collection?.Id ?? 0), Value(key.Key),
                    Value(Math.Max(0, after.Value)), Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false);
            },
            cancellation);

    internal ValueTask<FactPage> FeedAsync(FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                var page = await PageAsync(
                    connection, feed, feeds[feed.Value].Page, limit, token, Value(after.Value), Value((long)limit + 1),
                    Value((long)bytesMax)).ConfigureAwait(false);
                RefuseHole(page, after);
                return page;
            },
            cancellation);

    internal ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation) =>
        connections.ReadAsync((connection, token) => PositionAtAsync(connection, feed, time, token), cancellation);

    internal async ValueTask<FeedId> FeedOfAsync(NpgsqlConnection connection, string vault, CancellationToken cancellation) =>
        await names.VaultAsync(connection, vault, cancellation).ConfigureAwait(false) is { } row
            ? row.Feed
            : Feeds.Of(vault, feeds.Length);

    internal async ValueTask<Position> PositionAtAsync(
        NpgsqlConnection connection, FeedId feed, Timestamp time, CancellationToken cancellation)
    {
        var found = await connection.QueryAsync(
            feeds[feed.Value].PositionAt, reader => (Low: reader.GetInt64(0), High: reader.GetInt64(1)), cancellation,
            Value(time.UnixMicroseconds)).ConfigureAwait(false);
        // The halving stops early only when a position between floor and head has no fact.
        if (found[0].Low < found[0].High)
            throw new SyncException(
                SyncErrorCode.Corrupt, $"Feed {feed} has a hole between positions {found[0].Low} and {found[0].High}.");
        return new Position(found[0].Low);
    }

    /// <summary>Runs a statement that asks for one row more than the limit, which tells whether there is
    /// more.</summary>
    internal async ValueTask<FactPage> PageAsync(
        NpgsqlConnection connection, FeedId feed, string sql, int limit, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        var (position, floor) = (Position.Start, Position.Start);
        var cut = false;
        var rows = await connection.QueryAsync(
            sql,
            reader =>
            {
                (position, floor) = (new(reader.GetInt64(FactRow.Width)), new(reader.GetInt64(FactRow.Width + 1)));
                if (reader.IsDBNull(0)) return null;
                cut |= FactRow.IsCut(reader);
                return cut ? null : FactRow.Read(reader);
            },
            cancellation, values).ConfigureAwait(false);
        rows.RemoveAll(row => row is null);
        var more = cut || rows.Count > limit;
        if (rows.Count > limit) rows.RemoveRange(limit, rows.Count - limit);
        var facts = await names.NameAsync(connection, rows!, cancellation).ConfigureAwait(false);
        return new FactPage(feed, history, floor, position, facts, more);
    }

    private async ValueTask<Fact?> GetAsync(NpgsqlConnection connection, SyncedKey key, AsOf asOf, CancellationToken cancellation)
    {
        if (await names.CollectionAsync(connection, key, cancellation).ConfigureAwait(false) is not { } collection) return null;
        var sql = feeds[collection.Feed.Value];
        if (asOf.Time is { } time)
        {
            var at = await PositionAtAsync(connection, collection.Feed, time, cancellation).ConfigureAwait(false);
            asOf = new AsOf(null, at, null);
        }
        var (statement, moment) = asOf switch
        {
            { Sequence: { } sequence } => (sql.AsOfSequence, sequence.Value),
            { Position: { } position } => (sql.AsOfPosition, position.Value),
            _ => (sql.Current, (long?)null),
        };
        NpgsqlParameter[] values = moment is { } third
            ? [Value(collection.Id), Value(key.Key), Value(third)]
            : [Value(collection.Id), Value(key.Key)];
        var rows = await connection.QueryAsync(statement, FactRow.Read, cancellation, values).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0].ToFact(new CollectionName(key.Vault, key.Collection));
    }

    // A reader at n relies on n + 1 being next. Should the tables ever say otherwise, it must stop, not skip.
    private static void RefuseHole(FactPage page, Position after)
    {
        for (var index = 0; index < page.Facts.Count; index++)
        {
            // A cursor below the floor starts at the floor; the caller sees the floor and knows.
            var expected = Math.Max(after.Value + 1, page.Floor.Value) + index;
            if (page.Facts[index].Position.Value != expected) throw Hole(page.Feed, expected);
        }
        var end = Math.Max(after.Value, page.Floor.Value - 1) + page.Facts.Count;
        if (!page.More && end < page.Position.Value) throw Hole(page.Feed, end + 1);
    }

    private static SyncException Hole(FeedId feed, long position) =>
        new(
            SyncErrorCode.Corrupt,
            $"Feed {feed} has no fact at position {position}, which is not beyond its head. Nothing is served from it.");
}

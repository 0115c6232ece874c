using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Reads of many records: lists, refetches, windows; and the expiry of idempotency keys.</summary>
internal sealed class CollectionReads(
    Connections connections, NameDirectory names, FeedSql[] feeds, HistoryId history, Reads reads)
{
    private static readonly byte[] Nil = [0xC0];

    internal ValueTask<FactPage> ListAsync(
        CollectionName name, string? afterKey, int limit, AsOf asOf, int bytesMax, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                var rows = await names.CollectionsAsync(connection, [name], token).ConfigureAwait(false);
                var feed = rows[0]?.Feed ?? await reads.FeedOfAsync(connection, name.Vault, token).ConfigureAwait(false);
                var sql = feeds[feed.Value];
                var past = asOf.Time is { } time
                    ? await reads.PositionAtAsync(connection, feed, time, token).ConfigureAwait(false)
                    : asOf.Position;
                NpgsqlParameter[] values =
                    [Value(rows[0]?.Id ?? 0), Value(afterKey ?? ""), Value((long)limit + 1), Value((long)bytesMax)];
                if (past is not { } position)
                    return await reads.PageAsync(connection, feed, sql.List, limit, token, values).ConfigureAwait(false);
                values = [.. values, Value(position.Value)];
                var page = await reads.PageAsync(connection, feed, sql.ListAsOf, limit, token, values).ConfigureAwait(false);
                return page with { Position = position < page.Position ? position : page.Position };
            },
            cancellation);

    internal ValueTask<FactPage> WindowAsync(WindowQuery query, int limit, int bytesMax, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                int? vault = null, collection = null;
                // A name without a row matches nothing: no row has the number 0.
                if (query.Vault is not null && query.Collection is null)
                    vault = (await names.VaultAsync(connection, query.Vault, token).ConfigureAwait(false))?.Id ?? 0;
                if (query.Vault is not null && query.Collection is not null)
                {
                    var name = new CollectionName(query.Vault, query.Collection);
                    collection = (await names.CollectionsAsync(connection, [name], token).ConfigureAwait(false))[0]?.Id ?? 0;
                }
                // What was asked for may be any number; the sum must stay one.
                var after = Math.Clamp(query.After.Value, 0, long.MaxValue - ILedgerStore.PositionsWalkedMax);
                var walked = Math.Min(query.UpTo?.Value ?? long.MaxValue, after + ILedgerStore.PositionsWalkedMax);
                var page = await reads.PageAsync(
                    connection, query.Feed, feeds[query.Feed.Value].Window, limit, token, Value(after), Value(walked),
                    Value(collection), Value(vault), Value(query.KeyPrefix), Value((long)limit + 1), Value((long)bytesMax))
                    .ConfigureAwait(false);
                var upTo = Math.Min(query.UpTo?.Value ?? long.MaxValue, page.Position.Value);
                return page with
                {
                    More = page.More || walked < upTo,
                    Through = page.More ? page.Facts[^1].Position : new Position(Math.Min(walked, upTo)),
                };
            },
            cancellation);

    internal ValueTask<EnvelopeAnswer> GetManyAsync(
        string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                var wanted = items.Select(item => new CollectionName(vault, item.Collection)).ToArray();
                var collections = await names.CollectionsAsync(connection, wanted, token).ConfigureAwait(false);
                var feed = await reads.FeedOfAsync(connection, vault, token).ConfigureAwait(false);
                var answer = new Answering(vault, feed, history, items);
                await connection.QueryAsync(
                    feeds[feed.Value].Many, answer.Read, token, Value(Array.ConvertAll(collections, row => row?.Id ?? 0)),
                    Value(items.Select(item => item.Key).ToArray()), Value(items.Select(item => item.Have.Value).ToArray()),
                    Value((long)bytesMax)).ConfigureAwait(false);
                return answer.Result();
            },
            cancellation);

    internal ValueTask<bool> ExpireIdempotencyAsync(FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation) =>
        connections.RunAsync(
            async (connection, token) =>
            {
                var rows = await connection.QueryAsync(
                    feeds[feed.Value].Expire, reader => reader.GetBoolean(2), token, Value(before.UnixMicroseconds),
                    Value((long)factsMax)).ConfigureAwait(false);
                return rows[0];
            },
            cancellation);

    /// <summary>One answer on its way; used by one caller.</summary>
    private sealed class Answering(string vault, FeedId feed, HistoryId history, IReadOnlyList<RefetchItem> items)
    {
        private readonly List<Envelope> _envelopes = [];
        private Position _floor;
        private Position _position;
        private int _answered = items.Count;

        internal bool Read(NpgsqlDataReader reader)
        {
            (_position, _floor) = (new(reader.GetInt64(FactRow.Width)), new(reader.GetInt64(FactRow.Width + 1)));
            if (reader.IsDBNull(FactRow.Width + 2)) return false;
            var index = reader.GetInt32(FactRow.Width + 2) - 1;
            if (index >= _answered) return false;
            var item = items[index];
            if (reader.IsDBNull(0)) _envelopes.Add(Absent(item));
            else if (FactRow.IsCut(reader)) _answered = index;
            else _envelopes.Add(FactRow.Read(reader).ToFact(new CollectionName(vault, item.Collection)).ToEnvelope(history));
            return true;
        }

        internal EnvelopeAnswer Result() => new()
        {
            Feed = feed,
            History = history,
            Floor = _floor,
            Position = _position,
            Envelopes = _envelopes,
            Answered = _answered,
        };

        private Envelope Absent(RefetchItem item) => new()
        {
            Key = new SyncedKey(vault, item.Collection, item.Key),
            Value = Nil,
            Sequence = Sequence.None,
            Feed = feed,
            History = history,
        };
    }
}

using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Reads that collection replicas are served with: snapshots, changes, the vaults of a group, digests.</summary>
internal sealed class ScopeReads(Connections connections, NameDirectory names, int feeds, HistoryId history)
{
    private readonly ScopeSql[] _sql = [.. Enumerable.Range(0, feeds).Select(feed => new ScopeSql(feed))];

    internal ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax, CancellationToken cancellation)
    {
        var range = ScopeRange.Of(scope);
        return connections.ReadAsync(
            async (connection, token) =>
            {
                var start = after ?? new SyncedKey("", "", "");
                var known = await KnownAsync(connection, scope, feed, token).ConfigureAwait(false);
                var page = known is { } collection
                    ? await PageAsync(
                        connection, feed, NameOf(scope), bytesMax, _sql[feed.Value].Collection, token,
                        Value(IsBehind(scope, start) ? 0 : collection), Value(KeyIn(scope, start)), Value((long)limit + 1),
                        Value((long)bytesMax)).ConfigureAwait(false)
                    : await PageAsync(
                        connection, feed, null, bytesMax, _sql[feed.Value].Scope, token, Value(Later(range.VaultFrom, start.Vault)),
                        Value(range.VaultBefore), Value(range.CollectionFrom), Value(range.CollectionBefore),
                        Value(range.HidesReserved), Value(start.Vault), Value(start.Collection), Value(start.Key),
                        Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false);
                RefuseDisorder(page.Envelopes, after);
                return new SnapshotPage
                {
                    Feeds = feeds,
                    Feed = feed,
                    History = history,
                    Floor = page.Floor,
                    Position = page.Position,
                    Envelopes = page.Envelopes,
                    Collections = Touched(page, scope, start),
                    More = page.More,
                    NextEnd = page.More && page.Envelopes.Count == limit && known is { } one
                        ? await NextEndAsync(connection, one, page.Envelopes[^1].Key, limit, token).ConfigureAwait(false)
                        : null,
                };
            },
            cancellation);
    }

    internal ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation)
    {
        var range = ScopeRange.Of(scope);
        // What was asked for may be any number; the sum of it and of the positions to walk must stay one.
        after = new Position(Math.Clamp(after.Value, 0, long.MaxValue - ILedgerStore.PositionsWalkedMax));
        return connections.ReadAsync(
            async (connection, token) =>
            {
                var page = await KnownAsync(connection, scope, feed, token).ConfigureAwait(false) is { } collection
                    ? await PageAsync(
                        connection, feed, NameOf(scope), bytesMax, _sql[feed.Value].CollectionChanges, token, Value(collection),
                        Value(after.Value), Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false)
                    : await PageAsync(
                        connection, feed, null, bytesMax, _sql[feed.Value].ScopeChanges, token, Value(range.VaultFrom),
                        Value(range.VaultBefore), Value(range.CollectionFrom), Value(range.CollectionBefore),
                        Value(range.HidesReserved), Value(after.Value), Value((long)limit + 1),
                        Value((long)bytesMax)).ConfigureAwait(false);
                return new ChangesPage
                {
                    Feed = feed,
                    History = history,
                    Floor = page.Floor,
                    Position = page.Position,
                    Through = page.More ? page.Envelopes[^1].Position : Walked(page, after),
                    Envelopes = page.Envelopes,
                };
            },
            cancellation);
    }

    internal ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation)
    {
        var range = ScopeRange.Of(SyncedPattern.OfGroup(group, request.Collection));
        return connections.ReadAsync(
            async (connection, token) =>
            {
                var vaults = await connection.QueryAsync(
                    ScopeSql.Vaults,
                    reader => new VaultEntry(reader.GetString(0), new(reader.GetInt16(1)), new(reader.GetInt64(2))), token,
                    Value(Later(range.VaultFrom, request.After ?? "")), Value(range.VaultBefore), Value(range.CollectionFrom),
                    Value(range.CollectionBefore), Value((long)request.Limit + 1)).ConfigureAwait(false);
                var more = vaults.Count > request.Limit;
                if (more) vaults.RemoveAt(request.Limit);
                return new VaultsPage { History = history, Vaults = vaults, More = more };
            },
            cancellation);
    }

    internal ValueTask<CollectionDigest> DigestAsync(CollectionName name, CancellationToken cancellation) =>
        connections.ReadAsync(
            async (connection, token) =>
            {
                using var digester = new CollectionDigester();
                var row = (await names.CollectionsAsync(connection, [name], token).ConfigureAwait(false))[0];
                if (row is null) return digester.Finish(Position.Start);
                var position = Position.Start;
                await connection.ReadAsync(
                    _sql[row.Feed.Value].Digest,
                    reader =>
                    {
                        position = new Position(reader.GetInt64(3));
                        if (!reader.IsDBNull(0))
                            digester.Add(reader.GetString(0), new(reader.GetInt64(1)), FactRow.ReadHash(reader, 2));
                    },
                    token, Value(row.Id)).ConfigureAwait(false);
                return digester.Finish(position);
            },
            cancellation);

    // A collection without a row yet is looked for by name in the page's own statement: its first record may be committed
    // between two statements, and the page would call it absent.
    private async ValueTask<int?> KnownAsync(
        NpgsqlConnection connection, SyncedPattern scope, FeedId feed, CancellationToken cancellation)
    {
        if (scope is not { Vault: { } vault, Collection: { } collection }) return null;
        var row = (await names.CollectionsAsync(connection, [new(vault, collection)], cancellation).ConfigureAwait(false))[0];
        return row is null ? null : row.Feed == feed ? row.Id : 0;
    }

    private static async ValueTask<SyncedKey?> NextEndAsync(
        NpgsqlConnection connection, int collection, SyncedKey end, int limit, CancellationToken cancellation)
    {
        var keys = await connection.QueryAsync(
            ScopeSql.KeyBehind, reader => reader.GetString(0), cancellation, Value(collection), Value(end.Key),
            Value((long)limit - 1)).ConfigureAwait(false);
        return keys.Count == 0 ? null : end with { Key = keys[0] };
    }

    private static CollectionName NameOf(SyncedPattern scope) => new(scope.Vault!, scope.Collection!);

    // A start behind all keys of the scope's one collection.
    private static bool IsBehind(SyncedPattern scope, SyncedKey start) => OrderOf(scope, start) > 0;

    private static string KeyIn(SyncedPattern scope, SyncedKey start) => OrderOf(scope, start) == 0 ? start.Key : "";

    private static int OrderOf(SyncedPattern scope, SyncedKey start) =>
        Utf8Order.Instance.Compare(start with { Key = "" }, new SyncedKey(scope.Vault!, scope.Collection!, ""));

    // The statement's page may be longer than what is left of it.
    private static List<CollectionEntry> Touched(EnvelopePage page, SyncedPattern scope, SyncedKey start)
    {
        if (page.Last is { } last)
            return last == Position.Start || IsBehind(scope, start) ? [] : [new(scope.Vault!, scope.Collection!, last)];
        if (page.More)
        {
            var end = page.Envelopes[^1].Key with { Key = "" };
            page.Collections.RemoveAll(
                entry => Utf8Order.Instance.Compare(new SyncedKey(entry.Vault, entry.Collection, ""), end) > 0);
        }
        return page.Collections;
    }

    // How far an uncut page of changes is complete: as far as it walked, or to the end when its collection has nothing
    // behind that.
    private static Position Walked(EnvelopePage page, Position after)
    {
        var end = new Position(Math.Max(after.Value, page.Floor.Value - 1) + ILedgerStore.PositionsWalkedMax);
        return end < page.Position && !(page.Last <= end) ? end : page.Position;
    }

    private static string Later(string name, string other) => string.CompareOrdinal(name, other) >= 0 ? name : other;

    private async ValueTask<EnvelopePage> PageAsync(
        NpgsqlConnection connection, FeedId feed, CollectionName? name, int bytesMax, string sql, CancellationToken cancellation,
        params NpgsqlParameter[] values)
    {
        var page = new EnvelopePage(feed, history, name, bytesMax);
        await connection.ReadAsync(sql, page.Read, cancellation, values).ConfigureAwait(false);
        return page;
    }

    // Whoever reads relies on the order: should the server ever give another one, records would be taken for absent.
    private static void RefuseDisorder(IReadOnlyList<Envelope> envelopes, SyncedKey? after)
    {
        foreach (var envelope in envelopes)
        {
            if (after is { } before && Utf8Order.Instance.Compare(before, envelope.Key) >= 0)
                throw new SyncException(SyncErrorCode.Corrupt, "A snapshot came in another order than that of its keys' bytes.");
            after = envelope.Key;
        }
    }
}

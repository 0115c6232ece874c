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
                var sql = _sql[feed.Value];
                var start = after ?? new SyncedKey("", "", "");
                var page = await KnownAsync(connection, scope, feed, token).ConfigureAwait(false) is { } collection
                    ? StartIn(scope, start) is { } key
                        ? await PageAsync(
                            connection, feed, sql.Collection, limit, token, Value(collection), Value(key),
                            Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false)
                        : await PageAsync(
                            connection, feed, sql.Collection, limit, token, Value(0), Value(""), Value(1L), Value(1L)).ConfigureAwait(false)
                    : await PageAsync(
                        connection, feed, sql.Scope, limit, token, Value(Later(range.VaultFrom, start.Vault)),
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
                    More = page.More,
                };
            },
            cancellation);
    }

    internal ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation)
    {
        var range = ScopeRange.Of(scope);
        return connections.ReadAsync(
            async (connection, token) =>
            {
                var sql = _sql[feed.Value];
                var page = await KnownAsync(connection, scope, feed, token).ConfigureAwait(false) is { } collection
                    ? await PageAsync(
                        connection, feed, sql.CollectionChanges, limit, token, Value(collection), Value(after.Value),
                        Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false)
                    : await PageAsync(
                        connection, feed, sql.ScopeChanges, limit, token, Value(range.VaultFrom), Value(range.VaultBefore),
                        Value(range.CollectionFrom), Value(range.CollectionBefore), Value(range.HidesReserved),
                        Value(after.Value), Value((long)limit + 1), Value((long)bytesMax)).ConfigureAwait(false);
                return new ChangesPage
                {
                    Feed = feed,
                    History = history,
                    Floor = page.Floor,
                    Position = page.Position,
                    Through = page.More ? page.Envelopes[^1].Position : page.Walked(after),
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

    // The key in a scope of one collection behind which to start; null = behind its end.
    private static string? StartIn(SyncedPattern scope, SyncedKey after)
    {
        var order = Utf8Order.Instance.Compare(after with { Key = "" }, new SyncedKey(scope.Vault!, scope.Collection!, ""));
        return order < 0 ? "" : order == 0 ? after.Key : null;
    }

    private static string Later(string name, string other) => string.CompareOrdinal(name, other) >= 0 ? name : other;

    private async ValueTask<EnvelopePage> PageAsync(
        NpgsqlConnection connection, FeedId feed, string sql, int limit, CancellationToken cancellation,
        params NpgsqlParameter[] values)
    {
        var page = new EnvelopePage { Rows = [] };
        await connection.ReadAsync(sql, page.Read, cancellation, values).ConfigureAwait(false);
        page.CutAt(limit);
        var known = await names.NamesAsync(connection, page.Rows.Select(row => row.Collection), cancellation).ConfigureAwait(false);
        page.Envelopes = page.Rows.ConvertAll(row => row.ToEnvelope(known[row.Collection], feed, history));
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

    /// <summary>One page on its way; used by one caller.</summary>
    private sealed class EnvelopePage
    {
        private Position? _lastOfCollection;

        internal required List<EnvelopeRow> Rows { get; init; }
        internal IReadOnlyList<Envelope> Envelopes { get; set; } = [];
        internal Position Position { get; private set; }
        internal Position Floor { get; private set; }
        internal bool More { get; private set; }

        internal void Read(NpgsqlDataReader reader)
        {
            if (Rows.Count == 0)
            {
                Position = new(reader.GetInt64(EnvelopeRow.Width));
                Floor = new(reader.GetInt64(EnvelopeRow.Width + 1));
                _lastOfCollection = reader.IsDBNull(EnvelopeRow.Width + 2) ? null : new(reader.GetInt64(EnvelopeRow.Width + 2));
            }
            if (reader.IsDBNull(0)) return;
            More |= EnvelopeRow.IsCut(reader);
            if (!More) Rows.Add(EnvelopeRow.Read(reader));
        }

        internal void CutAt(int limit)
        {
            if (Rows.Count <= limit) return;
            More = true;
            Rows.RemoveRange(limit, Rows.Count - limit);
        }

        /// <summary>How far an uncut page of changes behind a position is complete.</summary>
        internal Position Walked(Position after)
        {
            var end = new Position(Math.Max(after.Value, Floor.Value - 1) + ILedgerStore.PositionsWalkedMax);
            return end < Position && !(_lastOfCollection <= end) ? end : Position;
        }
    }
}

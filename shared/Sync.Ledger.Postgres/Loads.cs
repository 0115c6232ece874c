using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>What a sequencer loads: up to three statements in one round trip. They need no common snapshot: only the
/// feed's owner changes what they read, and it knows what it has in flight.</summary>
internal sealed class Loads(Connections connections, NameDirectory names, FeedSql[] feeds)
{
    private const string Collections = """
        select a.ordinal::int, c.last_position, c.shape from unnest($1) with ordinality a(id, ordinal)
        join sync.collection c on c.id = a.id
        """;

    internal ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation) =>
        connections.RunAsync((connection, token) => LoadAsync(connection, feeds[feed.Value], request, token), cancellation);

    private async ValueTask<Loaded> LoadAsync(
        NpgsqlConnection connection, FeedSql sql, LoadRequest request, CancellationToken cancellation)
    {
        var loading = new Loading(request);
        await loading.ResolveAsync(connection, names, cancellation).ConfigureAwait(false);
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            var reads = loading.AddTo(batch, sql, Collections);
            if (reads.Count == 0) return loading.Result([]);
            var reader = await batch.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
                foreach (var read in reads)
                {
                    while (await reader.ReadAsync(cancellation).ConfigureAwait(false)) read(reader);
                    await reader.NextResultAsync(cancellation).ConfigureAwait(false);
                }
        }
        var facts = await names.NameAsync(connection, loading.Found, cancellation).ConfigureAwait(false);
        return loading.Result(facts);
    }

    /// <summary>One load on its way; used by one caller.</summary>
    private sealed class Loading(LoadRequest request)
    {
        private readonly HeadState[] _heads = new HeadState[request.Keys.Count];
        private readonly CollectionState[] _collections = new CollectionState[request.Collections.Count];
        private readonly List<int> _foundAt = [];
        private CollectionRow?[] _ofKeys = [];
        private CollectionRow?[] _ofCollections = [];
        private readonly VaultRow?[] _ofIdempotency = new VaultRow?[request.Idempotency.Count];

        internal List<FactRow> Found { get; } = [];

        internal async ValueTask ResolveAsync(NpgsqlConnection connection, NameDirectory names, CancellationToken cancellation)
        {
            var wanted = request.Keys.Select(key => new CollectionName(key.Vault, key.Collection)).ToArray();
            _ofKeys = await names.CollectionsAsync(connection, wanted, cancellation).ConfigureAwait(false);
            _ofCollections = await names.CollectionsAsync(connection, request.Collections, cancellation).ConfigureAwait(false);
            for (var index = 0; index < _ofIdempotency.Length; index++)
                _ofIdempotency[index] =
                    await names.VaultAsync(connection, request.Idempotency[index].Vault, cancellation).ConfigureAwait(false);
        }

        internal List<Action<NpgsqlDataReader>> AddTo(NpgsqlBatch batch, FeedSql sql, string collections)
        {
            var reads = new List<Action<NpgsqlDataReader>>(3);
            // A name without a row has no facts: it stays at its default.
            var keys = Present(_ofKeys);
            if (keys.Length > 0)
            {
                batch.Add(
                    sql.Heads, Value(Array.ConvertAll(keys, index => _ofKeys[index]!.Id)),
                    Value(Array.ConvertAll(keys, index => request.Keys[index].Key)));
                reads.Add(reader => _heads[keys[reader.GetInt32(0) - 1]] = new HeadState(
                    new(reader.GetInt64(1)), new(reader.GetInt64(2)), new(reader.GetGuid(3)),
                    (ChangeOp)reader.GetInt16(4) != ChangeOp.Delete, new(reader.GetInt64(5))));
            }
            var known = Present(_ofCollections);
            if (known.Length > 0)
            {
                batch.Add(collections, Value(Array.ConvertAll(known, index => _ofCollections[index]!.Id)));
                reads.Add(reader => _collections[known[reader.GetInt32(0) - 1]] = new CollectionState(
                    new(reader.GetInt64(1)), (CollectionShape)reader.GetInt16(2)));
            }
            var asked = Present(_ofIdempotency);
            if (asked.Length > 0)
            {
                batch.Add(
                    sql.Idempotency, Value(Array.ConvertAll(asked, index => _ofIdempotency[index]!.Id)),
                    Value(Array.ConvertAll(asked, index => IdempotencyKeys.FromText(request.Idempotency[index].Key).Key)));
                reads.Add(reader =>
                {
                    Found.Add(FactRow.Read(reader));
                    _foundAt.Add(asked[reader.GetInt32(FactRow.Width) - 1]);
                });
            }
            return reads;
        }

        internal Loaded Result(IReadOnlyList<Fact> facts)
        {
            var idempotency = new Fact?[request.Idempotency.Count];
            for (var index = 0; index < facts.Count; index++) idempotency[_foundAt[index]] = facts[index];
            return new Loaded(_heads, _collections, idempotency);
        }

        private static int[] Present<T>(T?[] rows) where T : class =>
            [.. Enumerable.Range(0, rows.Length).Where(index => rows[index] is not null)];
    }
}

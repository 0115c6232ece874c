using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Commits a group: one round trip, one implicit transaction. The fence goes first, so a fenced owner does no
/// work and nobody else can change the feed until this transaction ended; a row lock is released only after the commit
/// is visible, so every snapshot that sees position p sees all below it.</summary>
internal sealed class GroupCommit(Connections connections, NameDirectory names)
{
    private const string Fence = "select sync.fence($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    private const string InsertIdempotency =
        "insert into sync.idempotency (vault, key, position) select * from unnest($1, $2, $3)";

    private const string InsertRecords =
        "insert into sync.record (collection, key, origin, live) select * from unnest($1, $2, $3, $4)";

    private const string TurnRecords = """
        update sync.record r set live = a.live from unnest($1, $2, $3) a(collection, key, live)
        where r.collection = a.collection and r.key = a.key
        """;

    private const string InsertFacts = """
        insert into sync.fact (
            feed, epoch, position, collection, origin, sequence, after, time, valid_time, op, id, causation, idempotency, key,
            schema_version, producer, idempotency_text, derivation, value_hash, chain, value)
        select $1, $2, $3 + a.ordinal, a.collection, a.origin, a.sequence, a.after, a.time, a.valid_time, a.op, a.id, a.causation,
               a.idempotency, a.key, a.schema_version, a.producer, a.idempotency_text, a.derivation, a.value_hash, a.chain, a.value
        from unnest($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) with ordinality a(
            collection, origin, sequence, after, time, valid_time, op, id, causation, idempotency, key,
            schema_version, producer, idempotency_text, derivation, value_hash, chain, value, ordinal)
        """;

    // Most groups are of one collection, version and producer, and leave out what few facts have: what is alike goes once,
    // not once a row.
    private const string InsertFactsAlike = """
        insert into sync.fact (
            feed, epoch, position, time, collection, schema_version, producer, origin, sequence, after, op, id, causation,
            idempotency, key, value_hash, chain, value)
        select $1, $2, $3 + a.ordinal, $4, $5, $6, $7, a.origin, a.sequence, a.after, a.op, a.id, a.causation,
               a.idempotency, a.key, a.value_hash, a.chain, a.value
        from unnest($8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) with ordinality a(
            origin, sequence, after, op, id, causation, idempotency, key, value_hash, chain, value, ordinal)
        """;

    private const string UpdateCollections = """
        update sync.collection c set last_position = a.last_position, count = c.count + a.count,
               shape = case when c.shape = 0 then a.shape else c.shape end
        from unnest($1, $2, $3, $4) a(id, last_position, count, shape) where c.id = a.id
        """;

    internal async ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (FactChecks.Check(group) is { } wrong) return new CommitOutcome.DataError(wrong);
        NpgsqlConnection connection;
        try
        {
            connection = await connections.OpenAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or SyncException)
        {
            return new CommitOutcome.Failed("no connection to Postgres: " + Errors.Describe(error));
        }
        await using (connection.ConfigureAwait(false))
        {
            CollectionRow?[] collections;
            try
            {
                collections = await EnsureAsync(connection, group, cancellation).ConfigureAwait(false);
            }
            catch (NpgsqlException error)
            {
                return new CommitOutcome.Failed("collections could not be made: " + Errors.Describe(error));
            }
            return Misplaced(group, collections) is { } misplaced
                ? new CommitOutcome.DataError(misplaced)
                : await SendAsync(connection, group, collections!, cancellation).ConfigureAwait(false);
        }
    }

    private ValueTask<CollectionRow?[]> EnsureAsync(NpgsqlConnection connection, FactGroup group, CancellationToken cancellation)
    {
        var wanted = new CollectionName[group.Facts.Count];
        for (var index = 0; index < wanted.Length; index++)
            wanted[index] = new CollectionName(group.Facts[index].Fact.Key.Vault, group.Facts[index].Fact.Key.Collection);
        return names.EnsureAsync(connection, group.Lease.Feed, wanted, cancellation);
    }

    private static string? Misplaced(FactGroup group, CollectionRow?[] collections)
    {
        for (var index = 0; index < collections.Length; index++)
        {
            if (collections[index] is null) return $"the collection of fact {index} could not be made";
            if (collections[index]!.Feed != group.Lease.Feed)
                return $"the vault of fact {index} belongs to feed {collections[index]!.Feed}, not {group.Lease.Feed}";
        }
        return null;
    }

    // Once the first byte may have left, anything but an answer of the server is an unknown outcome.
    private static async ValueTask<CommitOutcome> SendAsync(
        NpgsqlConnection connection, FactGroup group, CollectionRow[] collections, CancellationToken cancellation)
    {
        var batch = Batch(connection, group, collections);
        try
        {
            await using (batch.ConfigureAwait(false))
                await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
            return CommitOutcomes.Committed;
        }
        catch (PostgresException error)
        {
            return CommitOutcomes.Of(error);
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            return new CommitOutcome.Unknown(Errors.Describe(error));
        }
    }

    private static NpgsqlBatch Batch(NpgsqlConnection connection, FactGroup group, CollectionRow[] collections)
    {
        var batch = new NpgsqlBatch(connection);
        if (group.Facts.Count == 1) SingleCommit.AddTo(batch, group, collections[0]);
        else AddSetWise(batch, group, collections);
        return batch;
    }

    private static void AddSetWise(NpgsqlBatch batch, FactGroup group, CollectionRow[] collections)
    {
        var columns = GroupColumns.Of(group.Facts, collections);
        var side = GroupSideRows.Of(group.Facts, collections, columns);
        AddFence(batch, group);
        if (side.Idempotency.Count > 0)
            batch.Add(
                InsertIdempotency, Value(side.Idempotency.ConvertAll(row => row.Vault).ToArray()),
                Value(side.Idempotency.ConvertAll(row => row.Key).ToArray()),
                Value(side.Idempotency.ConvertAll(row => row.Position).ToArray()));
        if (side.New.Count > 0)
            batch.Add(
                InsertRecords, Value(side.New.ConvertAll(row => row.Collection).ToArray()),
                Value(side.New.ConvertAll(row => row.Key).ToArray()), Value(side.New.ConvertAll(row => row.Origin).ToArray()),
                Value(side.New.ConvertAll(row => row.Live).ToArray()));
        if (side.Turned.Count > 0)
            batch.Add(
                TurnRecords, Value(side.Turned.ConvertAll(row => row.Collection).ToArray()),
                Value(side.Turned.ConvertAll(row => row.Key).ToArray()), Value(side.Turned.ConvertAll(row => row.Live).ToArray()));
        AddFacts(batch, group, columns);
        batch.Add(
            UpdateCollections, Value(side.Collections.Keys.ToArray()),
            Value(side.Collections.Values.Select(row => row.LastPosition).ToArray()),
            Value(side.Collections.Values.Select(row => row.Count).ToArray()),
            Value(side.Collections.Values.Select(row => (short)row.Shape).ToArray()));
    }

    private static void AddFence(NpgsqlBatch batch, FactGroup group)
    {
        var last = group.Facts[^1].Fact;
        batch.Add(
            Fence, Value((short)group.Lease.Feed.Value), Value(group.Lease.Epoch.Value), Value(group.Lease.Owner),
            Value(group.Expected.Value), Value((long)group.Facts.Count), Value(group.Published.Value),
            Value(last.Chain.ToArray()), Value(last.TransactionTime.UnixMicroseconds), Value(group.LeaseTtl));
    }

    private static void AddFacts(NpgsqlBatch batch, FactGroup group, GroupColumns columns)
    {
        var feed = Value((short)group.Lease.Feed.Value);
        var (epoch, expected) = (Value(group.Lease.Epoch.Value), Value(group.Expected.Value));
        if (columns.AreAlike)
            batch.Add(
                InsertFactsAlike, feed, epoch, expected, Value(columns.Times[0]), Value(columns.Collections[0]),
                Value(columns.SchemaVersions[0]), Value(columns.Producers[0]), Value(columns.Origins), Value(columns.Sequences),
                Value(columns.Afters), Value(columns.Ops), Value(columns.Ids), Value(columns.Causations),
                Value(columns.Idempotency), Value(columns.Keys), Value(columns.ValueHashes), Value(columns.Chains),
                Value(columns.Values));
        else
            batch.Add(
                InsertFacts, feed, epoch, expected, Value(columns.Collections), Value(columns.Origins), Value(columns.Sequences),
                Value(columns.Afters), Value(columns.Times), Value(columns.ValidTimes), Value(columns.Ops), Value(columns.Ids),
                Value(columns.Causations), Value(columns.Idempotency), Value(columns.Keys), Value(columns.SchemaVersions),
                Value(columns.Producers), Value(columns.IdempotencyTexts), Value(columns.Derivations),
                Value(columns.ValueHashes), Value(columns.Chains), Value(columns.Values));
    }
}

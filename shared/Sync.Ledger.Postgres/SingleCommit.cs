using Npgsql;
using NpgsqlTypes;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>A group of one fact as one statement; the server's side of it is in <c>Sql/0004_group_ahead.sql</c>.</summary>
internal static class SingleCommit
{
    private const string CommitOne = """
        select sync.commit_one(
            $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
            $26, $27, $28)
        """;

    private const short Stays = 0;
    private const short IsNew = 1;
    private const short Turns = 2;

    internal static void AddTo(NpgsqlBatch batch, FactGroup group, CollectionRow collection)
    {
        var pending = group.Facts[0];
        var fact = pending.Fact;
        Guid? idempotency = null;
        string? idempotencyText = null;
        if (fact.IdempotencyKey is { } text) (idempotency, idempotencyText) = IdempotencyKeys.FromText(text);
        var isLive = fact.Op != ChangeOp.Delete;
        var shape = fact.Op == ChangeOp.Append ? CollectionShape.History : CollectionShape.Store;
        batch.Add(
            CommitOne, Value((short)group.Lease.Feed.Value), Value(group.Lease.Epoch.Value), Value(group.Expected.Value),
            Value(group.Published.Value), Value(group.LeaseTtl), Value(group.Lease.Owner), Value(collection.VaultId),
            Value(RecordOf(pending.Before, isLive)), Value(isLive), Value((short)shape), Value(collection.Id),
            Value(pending.Origin.Value), Value(fact.Sequence.Value), Value(fact.After.Value),
            Value(fact.TransactionTime.UnixMicroseconds),
            Optional(fact.ValidTime?.UnixMicroseconds, NpgsqlDbType.Bigint), Value((short)fact.Op), Value(fact.Id.Value),
            Optional(fact.Causation?.Value, NpgsqlDbType.Uuid), Optional(idempotency, NpgsqlDbType.Uuid), Value(fact.Key.Key),
            Value(fact.SchemaVersion.Text ?? ""), Value(fact.Producer.ToString()),
            Optional(idempotencyText, NpgsqlDbType.Text),
            Optional(fact.Derivation is null ? null : DerivationBytes.Write(fact.Derivation), NpgsqlDbType.Bytea),
            Value(fact.ValueHash.ToArray()), Value(fact.Chain.ToArray()), Value(fact.Value));
    }

    private static short RecordOf(HeadState before, bool isLive)
    {
        if (before.Sequence == Sequence.None) return IsNew;
        return before.IsLive == isLive ? Stays : Turns;
    }

    private static NpgsqlParameter Optional<T>(T? value, NpgsqlDbType type) =>
        new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = type };
}

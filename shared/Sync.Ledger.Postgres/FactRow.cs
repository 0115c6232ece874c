using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>A row of <c>sync.fact</c>. Its vault and collection are still one number: their names come from
/// <see cref="NameDirectory"/>, often without asking the server.</summary>
internal sealed class FactRow
{
    /// <summary>The columns that <see cref="Read"/> expects, of the alias <c>f</c>, without the value.</summary>
    internal const string Metadata =
        "f.position, f.sequence, f.after, f.time, f.valid_time, f.epoch, f.collection, f.feed, f.op, f.id, f.causation, "
        + "f.idempotency, f.key, f.schema_version, f.producer, f.idempotency_text, f.derivation, f.value_hash, f.chain";

    /// <summary>All of them.</summary>
    internal const string Columns = Metadata + ", f.value";

    /// <summary>How many they are.</summary>
    internal const int Width = 20;

    private const int ValueColumn = Width - 1;

    private FactRow() { }

    internal required int Collection { get; init; }
    internal required string Key { get; init; }
    internal required Position Position { get; init; }
    internal required byte[] Value { get; init; }
    private Sequence Sequence { get; init; }
    private Position After { get; init; }
    private Timestamp Time { get; init; }
    private Timestamp? ValidTime { get; init; }
    private LeaseEpoch Epoch { get; init; }
    private FeedId Feed { get; init; }
    private ChangeOp Op { get; init; }
    private FactId Id { get; init; }
    private FactId? Causation { get; init; }
    private Guid? Idempotency { get; init; }
    private string? IdempotencyText { get; init; }
    private string SchemaVersion { get; init; } = "";
    private string Producer { get; init; } = "";
    private byte[]? Derivation { get; init; }
    private Hash256 ValueHash { get; init; }
    private Hash256 Chain { get; init; }

    /// <summary>True when the statement kept the value back because the page has its bytes.</summary>
    internal static bool IsCut(NpgsqlDataReader reader) => reader.IsDBNull(ValueColumn);

    /// <summary>Reads the current row of a reader whose first columns are <see cref="Columns"/>.</summary>
    internal static FactRow Read(NpgsqlDataReader reader) => new()
    {
        Position = new(reader.GetInt64(0)),
        Sequence = new(reader.GetInt64(1)),
        After = new(reader.GetInt64(2)),
        Time = new(reader.GetInt64(3)),
        ValidTime = reader.IsDBNull(4) ? null : new(reader.GetInt64(4)),
        Epoch = new(reader.GetInt64(5)),
        Collection = reader.GetInt32(6),
        Feed = new(reader.GetInt16(7)),
        Op = (ChangeOp)reader.GetInt16(8),
        Id = new(reader.GetGuid(9)),
        Causation = reader.IsDBNull(10) ? null : new FactId(reader.GetGuid(10)),
        Idempotency = reader.IsDBNull(11) ? null : reader.GetGuid(11),
        Key = reader.GetString(12),
        SchemaVersion = reader.GetString(13),
        Producer = reader.GetString(14),
        IdempotencyText = reader.IsDBNull(15) ? null : reader.GetString(15),
        Derivation = reader.IsDBNull(16) ? null : reader.GetFieldValue<byte[]>(16),
        ValueHash = ReadHash(reader, 17),
        Chain = ReadHash(reader, 18),
        Value = reader.GetFieldValue<byte[]>(ValueColumn),
    };

    internal static Hash256 ReadHash(NpgsqlDataReader reader, int column)
    {
        var bytes = reader.GetFieldValue<byte[]>(column);
        return bytes.Length == Hash256.Size
            ? new Hash256(bytes)
            : throw new SyncException(SyncErrorCode.Corrupt, $"A stored hash has {bytes.Length} bytes instead of 32.");
    }

    /// <summary>The fact, once the names are there.</summary>
    internal Fact ToFact(CollectionName name) => new()
    {
        Id = Id,
        Key = new SyncedKey(name.Vault, name.Collection, Key),
        Sequence = Sequence,
        Op = Op,
        Value = Value,
        ValueHash = ValueHash,
        SchemaVersion = new SchemaVersion(SchemaVersion),
        Causation = Causation,
        TransactionTime = Time,
        ValidTime = ValidTime,
        Producer = Contracts.Producer.FromText(Producer),
        Derivation = Derivation is null ? null : DerivationBytes.Read(Derivation),
        IdempotencyKey = IdempotencyKeys.ToText(Idempotency, IdempotencyText),
        Feed = Feed,
        Position = Position,
        After = After,
        Epoch = Epoch,
        Chain = Chain,
    };
}

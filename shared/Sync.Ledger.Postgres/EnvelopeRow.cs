using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>A row of <c>sync.fact</c>, as far as an envelope carries it. Its vault and collection are still one number.</summary>
internal readonly struct EnvelopeRow
{
    /// <summary>The columns that <see cref="Read"/> expects, of the alias <c>f</c>, without the value.</summary>
    internal const string Metadata =
        "f.position, f.sequence, f.after, f.time, f.collection, f.op, f.id, f.key, f.schema_version, f.producer, f.value_hash";

    /// <summary>How many they are, with the value.</summary>
    internal const int Width = 12;

    private const int ValueColumn = Width - 1;

    internal required int Collection { get; init; }
    internal required string Key { get; init; }
    internal required Position Position { get; init; }
    private Sequence Sequence { get; init; }
    private Position After { get; init; }
    private Timestamp Time { get; init; }
    private ChangeOp Op { get; init; }
    private FactId Id { get; init; }
    private string SchemaVersion { get; init; }
    private string Producer { get; init; }
    private Hash256 ValueHash { get; init; }
    private byte[] Value { get; init; }

    public EnvelopeRow() => (SchemaVersion, Producer, Value) = ("", "", []);

    /// <summary>True when the statement kept the value back because the page has its bytes.</summary>
    internal static bool IsCut(NpgsqlDataReader reader) => reader.IsDBNull(ValueColumn);

    /// <summary>Reads the current row of a reader whose first columns are <see cref="Metadata"/> and the value.</summary>
    internal static EnvelopeRow Read(NpgsqlDataReader reader) => new()
    {
        Position = new(reader.GetInt64(0)),
        Sequence = new(reader.GetInt64(1)),
        After = new(reader.GetInt64(2)),
        Time = new(reader.GetInt64(3)),
        Collection = reader.GetInt32(4),
        Op = (ChangeOp)reader.GetInt16(5),
        Id = new(reader.GetGuid(6)),
        Key = reader.GetString(7),
        SchemaVersion = reader.GetString(8),
        Producer = reader.GetString(9),
        ValueHash = FactRow.ReadHash(reader, 10),
        Value = reader.GetFieldValue<byte[]>(ValueColumn),
    };

    /// <summary>The envelope, once the names are there.</summary>
    internal Envelope ToEnvelope(CollectionName name, FeedId feed, HistoryId history) => new()
    {
        Key = new SyncedKey(name.Vault, name.Collection, Key),
        Value = Value,
        SchemaVersion = new SchemaVersion(SchemaVersion),
        Sequence = Sequence,
        Op = Op,
        Id = Id,
        Feed = feed,
        Position = Position,
        History = history,
        Hash = ValueHash,
        After = After,
        Time = Time,
        Producer = Producer,
    };
}

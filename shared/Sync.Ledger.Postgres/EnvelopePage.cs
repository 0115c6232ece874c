using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>A page of envelopes on its way from rows of <c>sync.fact</c>, as far as an envelope carries them. A page has
/// thousands: texts that most of them share are kept once, and nothing is made twice. Used by one caller.</summary>
/// <param name="feed">The feed.</param>
/// <param name="history">The ledger's history.</param>
/// <param name="name">The collection, when the page is of one; else each row names its own.</param>
/// <param name="bytesMax">The page ends with the envelope that passes these value bytes.</param>
internal sealed class EnvelopePage(FeedId feed, HistoryId history, CollectionName? name, int bytesMax)
{
    /// <summary>The columns of the alias <c>f</c>; the value comes behind them, as null when the statement kept it back.</summary>
    internal const string Metadata =
        "f.position, f.sequence, f.after, f.time, f.op, f.id, f.key, f.schema_version, f.producer, f.value_hash";

    // Behind them: the value; the feed's position and floor and how many rows the page can have; last position of a
    // collection; and when the page is not of one collection, names of vault and collection.
    private const int ValueColumn = 10;
    private const int PositionColumn = 11;
    private const int FloorColumn = 12;
    private const int RowsColumn = 13;
    private const int LastColumn = 14;
    private const int VaultColumn = 15;
    private const int CollectionColumn = 16;

    private readonly List<Envelope> _envelopes = [];
    private CollectionName _name = name ?? default;
    private string _schemaVersion = "";
    private string _producer = "";
    private long _bytes;
    private long _rows;

    internal IReadOnlyList<Envelope> Envelopes => _envelopes;
    internal Position Position { get; private set; }
    internal Position Floor { get; private set; }

    /// <summary>The last position of the one collection; null when it has no row, or the page is not of one.</summary>
    internal Position? Last { get; private set; }

    /// <summary>Collections that the statement named beside envelopes.</summary>
    internal List<CollectionEntry> Collections { get; } = [];

    /// <summary>True when there is more behind the last envelope.</summary>
    internal bool More { get; private set; }

    /// <summary>Takes the next row: the first says where the page stands, others are facts or collections.</summary>
    internal void Read(NpgsqlDataReader reader)
    {
        if (!reader.IsDBNull(0)) ReadEnvelope(reader);
        else if (!reader.IsDBNull(PositionColumn)) ReadPlace(reader);
        else
            Collections.Add(new(reader.GetString(VaultColumn), reader.GetString(CollectionColumn), new(reader.GetInt64(LastColumn))));
    }

    private void ReadPlace(NpgsqlDataReader reader)
    {
        Position = new(reader.GetInt64(PositionColumn));
        Floor = new(reader.GetInt64(FloorColumn));
        _rows = reader.GetInt64(RowsColumn);
        if (!reader.IsDBNull(LastColumn)) Last = new(reader.GetInt64(LastColumn));
    }

    private void ReadEnvelope(NpgsqlDataReader reader)
    {
        if (More) return;
        if (_rows == 0) throw new SyncException(SyncErrorCode.Corrupt, "A page of records came before the place where it stands.");
        // The last row that the page can have only says that there is more.
        More = reader.IsDBNull(ValueColumn) || _envelopes.Count == _rows - 1 || (_envelopes.Count > 0 && _bytes >= bytesMax);
        if (More) return;
        var envelope = Envelope(reader);
        _bytes += envelope.Value.Length;
        _envelopes.Add(envelope);
    }

    private Envelope Envelope(NpgsqlDataReader reader) => new()
    {
        Key = KeyOf(reader),
        Value = reader.GetFieldValue<byte[]>(ValueColumn),
        SchemaVersion = new SchemaVersion(Shared(ref _schemaVersion, reader.GetString(7))),
        Sequence = new(reader.GetInt64(1)),
        Op = (ChangeOp)reader.GetInt16(4),
        Id = new(reader.GetGuid(5)),
        Feed = feed,
        Position = new(reader.GetInt64(0)),
        History = history,
        Hash = FactRow.ReadHash(reader, 9),
        After = new(reader.GetInt64(2)),
        Time = new(reader.GetInt64(3)),
        Producer = Shared(ref _producer, reader.GetString(8)),
    };

    private SyncedKey KeyOf(NpgsqlDataReader reader)
    {
        if (name is null)
            _name = new(
                Shared(_name.Vault, reader.GetString(VaultColumn)), Shared(_name.Collection, reader.GetString(CollectionColumn)));
        return new SyncedKey(_name.Vault, _name.Collection, reader.GetString(6));
    }

    private static string Shared(ref string last, string text) => last = Shared(last, text);

    private static string Shared(string last, string text) => last == text ? last : text;
}

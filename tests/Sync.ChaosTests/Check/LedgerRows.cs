using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using Sync.ChaosTests.Clients;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>Reads the ledger by plain SQL, all in one snapshot; what was read before is not read again, but at <see
/// cref="ReadAllAsync"/>.</summary>
internal sealed class LedgerRows(string connectionString)
{
    private readonly Dictionary<int, long> _heads = [];

    public LedgerFacts Facts { get; private set; } = new(0);

    /// <summary>What the feeds said of themselves in the last read.</summary>
    public IReadOnlyDictionary<int, long> Heads => _heads;

    /// <summary>Forgets what was read: a past that was changed then shows.</summary>
    public Task ReadAllAsync(CancellationToken cancellation)
    {
        Facts = new(0);
        return ReadOnAsync(cancellation);
    }

    public async Task ReadOnAsync(CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync(cancellation);
        await using var snapshot = await connection.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead, cancellation);
        var history = (long)(
            await new NpgsqlCommand("select history from sync.ledger", connection).ExecuteScalarAsync(cancellation))!;
        if (history != Facts.History) Facts = new LedgerFacts(history);
        _heads.Clear();
        await using (var reader = await new NpgsqlCommand(
            "select feed, position from sync.feed", connection).ExecuteReaderAsync(cancellation))
            while (await reader.ReadAsync(cancellation))
                _heads[reader.GetInt16(0)] = reader.GetInt64(1);
        foreach (var (feed, head) in _heads)
            if (head > Facts.Head(feed)) await ReadAsync(connection, feed, cancellation);
    }

    /// <summary>Count and digest of a collection's live records, made here from the rows (docs/PROTOCOL.md, A
    /// digest).</summary>
    public async Task<(long Count, string Digest)> DigestAsync(
        string vault, string collection, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("""
            select convert_to(h.key, 'UTF8'), h.sequence, f.value_hash from sync.head h
            join sync.fact f on f.feed = h.feed and f.position = h.position
            where h.vault = $1 and h.collection = $2 and h.live order by convert_to(h.key, 'UTF8')
            """);
        command.Parameters.Add(new() { Value = vault });
        command.Parameters.Add(new() { Value = collection });
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var count = 0L;
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        for (; await reader.ReadAsync(cancellation); count++) Append(digest, reader);
        return (count, Convert.ToHexStringLower(digest.GetHashAndReset()));
    }

    private async Task ReadAsync(NpgsqlConnection connection, int feed, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            select f.position, f.sequence, f.epoch, f.after, f.op, f.id, f.causation, v.name, c.name, f.key, f.schema_version,
                   f.value_hash, coalesce(f.idempotency_text, f.idempotency::text), substring(f.value from 1 for 8)
            from sync.fact f join sync.collection c on c.id = f.collection join sync.vault v on v.id = c.vault
            where f.feed = $1 and f.position > $2 order by f.position
            """, connection)
        { Parameters = { new() { Value = (short)feed }, new() { Value = Facts.Head(feed) } } };
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation)) Facts.Add(RowOf(feed, reader));
    }

    private static FactRow RowOf(int feed, NpgsqlDataReader row)
    {
        var op = (ChangeOp)row.GetInt16(4);
        // Without a major the gate is off.
        var hasMajor = new SchemaVersion(row.GetString(10)).TryGetMajor(out var major);
        return new FactRow(
            feed, row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), op, row.GetGuid(5),
            row.IsDBNull(6) ? null : row.GetGuid(6), new SyncedKey(row.GetString(7), row.GetString(8), row.GetString(9)),
            BinaryPrimitives.ReadUInt64BigEndian(row.GetFieldValue<byte[]>(11)), row.IsDBNull(12) ? null : row.GetString(12),
            ChaosValue.Passes(row.GetFieldValue<byte[]>(13)),
            hasMajor && major.Length > 0 ? long.Parse(major, NumberStyles.None, CultureInfo.InvariantCulture) : 0);
    }

    private static void Append(IncrementalHash digest, NpgsqlDataReader row)
    {
        // A zero, then the sequence.
        Span<byte> number = stackalloc byte[9];
        number[0] = 0;
        BinaryPrimitives.WriteInt64BigEndian(number[1..], row.GetInt64(1));
        digest.AppendData(row.GetFieldValue<byte[]>(0));
        digest.AppendData(number);
        digest.AppendData(row.GetFieldValue<byte[]>(2));
    }
}

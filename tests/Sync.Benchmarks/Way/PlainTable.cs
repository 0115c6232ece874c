using Npgsql;
using NpgsqlTypes;

namespace Sync.Benchmarks.Way;

/// <summary>What a hand-written service would keep: the newest value of each key and a log of all of them, written by one
/// prepared statement.</summary>
internal static class PlainTable
{
    public const int ConnectionsMax = 16;

    private const string Tables = """
        create schema plain;
        create table plain.head (
            collection text collate "C" not null, key text collate "C" not null, sequence bigint not null,
            value bytea not null, primary key (collection, key)) with (fillfactor = 80);
        create table plain.fact (
            position bigint generated always as identity primary key, collection text collate "C" not null,
            key text collate "C" not null, sequence bigint not null, time timestamptz not null default now(),
            value bytea not null);
        """;

    private const string Statement = """
        with head as (
            insert into plain.head (collection, key, sequence, value) values ($1, $2, 1, $3)
            on conflict (collection, key) do update set sequence = head.sequence + 1, value = excluded.value
            returning sequence)
        insert into plain.fact (collection, key, sequence, value) select $1, $2, sequence, $3 from head
        returning position, sequence
        """;

    public static async Task CreateAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(Tables);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The pool of a process: 16 connections, the statement prepared on each.</summary>
    public static NpgsqlDataSource Pool(string database) => NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(database)
        {
            Pooling = true,
            MinPoolSize = ConnectionsMax,
            MaxPoolSize = ConnectionsMax,
            MaxAutoPrepare = 8,
            AutoPrepareMinUsages = 1,
            NoResetOnClose = true,
            ApplicationName = "plain",
        }.ConnectionString);

    public static NpgsqlCommand Write(NpgsqlConnection connection) => new(Statement, connection)
    {
        Parameters =
        {
            new NpgsqlParameter<string> { TypedValue = Records.Collection },
            new NpgsqlParameter<string> { NpgsqlDbType = NpgsqlDbType.Text },
            new NpgsqlParameter<byte[]> { NpgsqlDbType = NpgsqlDbType.Bytea },
        },
    };

    public static async Task<(long Position, long Sequence)> ExecuteAsync(NpgsqlCommand command, string key, byte[] value)
    {
        command.Parameters[1].Value = key;
        command.Parameters[2].Value = value;
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetInt64(1));
    }
}

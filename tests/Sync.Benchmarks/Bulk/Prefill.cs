using System.Globalization;
using Npgsql;
using Sync.Ledger.Postgres;

namespace Sync.Benchmarks.Bulk;

/// <summary>Facts that are there before a benchmark begins, so that it shows what large tables cost: every key has four, in
/// four rounds over all keys, so the 50,000 that benchmarks write are among them. Written by one statement a table.</summary>
internal static class Prefill
{
    public const int FactsOfKey = 4;

    /// <summary>0, or enough for the keys that benchmarks write.</summary>
    public static long Checked(long rows) => rows == 0 || (rows >= 200_000 && rows % FactsOfKey == 0)
        ? rows
        : throw new ArgumentException("--rows is 0, or a multiple of 4 from 200,000", nameof(rows));

    public static long Keys(long rows) => rows / FactsOfKey;

    /// <summary>Id of the fact at a position; that of its idempotency key too. Below all that are made now.</summary>
    public static Guid IdOf(long position) =>
        new(string.Create(CultureInfo.InvariantCulture, $"01000000-0000-7000-8000-{position:x12}"));

    /// <summary>Into tables that are laid out as those of the ledger, of feed 0.</summary>
    /// <param name="connection">Of the tables' owner.</param>
    /// <param name="schema">Whose tables.</param>
    /// <param name="vault">The vault's number.</param>
    /// <param name="collection">The collection's number.</param>
    /// <param name="rows">Facts.</param>
    public static async Task FactsAsync(NpgsqlConnection connection, string schema, int vault, int collection, long rows)
    {
        const string Id = "('01000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid";
        foreach (var sql in (string[])
        [
            $"""
            insert into {schema}.record (collection, key, origin, live)
            select $2, 'customer-' || lpad((i - 1)::text, 8, '0'), i, true from generate_series(1::bigint, $1 / {FactsOfKey}) i
            where $3 > 0
            """,
            $"""
            insert into {schema}.idempotency (vault, key, position)
            select $3, {Id}, i from generate_series(1::bigint, $1) i where $2 > 0
            """,
            $"""
            insert into {schema}.fact (
                feed, epoch, position, collection, origin, sequence, after, time, op, id, idempotency, key, schema_version, producer,
                value_hash, chain, value)
            select 0, 1, i, $2, (i - 1) % n + 1, (i - 1) / n + 1, i - 1, 1500000000000000 + i, 0, {Id}, {Id},
                'customer-' || lpad(((i - 1) % n)::text, 8, '0'), '1.0', 'bench:load', sha256(v), sha256(int8send(i)), v
            from (select $1 / {FactsOfKey} as n where $3 > 0) keys cross join generate_series(1::bigint, $1) i
            cross join lateral (select '\xc4c6'::bytea || substr(decode(repeat(md5(i::text), 13), 'hex'), 1, 198) as v) one
            """,
            $"""
            with done as (update {schema}.collection set last_position = $1, count = $1 where id = $2 and $3 > 0)
            update {schema}.feed set position = $1, chain = sha256(int8send($1)), last_time = 1500000000000000 + $1 where feed = 0
            """,
        ])
            await RunAsync(connection, sql, rows, collection, vault);
        await RunAsync(connection, $"analyze {schema}.fact, {schema}.record, {schema}.idempotency");
    }

    /// <summary>Into the ledger, before any writer runs on it: vault and collection are made in feed 0, and all of it counts as
    /// published.</summary>
    public static async Task LedgerAsync(string database, string vault, string collection, long rows)
    {
        await PostgresMigrations.RunAsync(new PostgresOptions { ConnectionString = database });
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await RunAsync(connection, $"insert into sync.vault (name, feed) values ('{vault}', 0)");
        await RunAsync(connection, $"""
            insert into sync.collection (vault, name, shape) select id, '{collection}', 1 from sync.vault where name = '{vault}'
            """);
        await FactsAsync(connection, "sync", 1, 1, rows);
        await RunAsync(connection, "update sync.feed set published = position where feed = 0");
    }

    /// <summary>The same into the tables of the plain service.</summary>
    public static async Task PlainAsync(string database, string collection)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await RunAsync(connection, $"""
            insert into plain.head (collection, key, sequence, value)
            select '{collection}', key, sequence, value from sync.fact where sequence = {FactsOfKey}
            """);
        await RunAsync(connection, $"""
            insert into plain.fact (collection, key, sequence, value)
            select '{collection}', key, sequence, value from sync.fact order by position
            """);
        await RunAsync(connection, "analyze plain.fact, plain.head");
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, params object[] values)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync();
    }
}

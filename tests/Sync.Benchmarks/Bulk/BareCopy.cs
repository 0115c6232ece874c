using Npgsql;
using NpgsqlTypes;
using Sync.Benchmarks.Schema;

namespace Sync.Benchmarks.Bulk;

/// <summary>The least that a server can do with these records: one binary <c>COPY</c> a round into a table of facts that has
/// a primary key and nothing else. Used by one thread.</summary>
internal sealed class BareCopy(NpgsqlConnection connection) : IAsyncDisposable
{
    private const string Table = """
        create schema bare;
        create table bare.fact (
            position bigint primary key, sequence bigint not null, time bigint not null, id uuid not null,
            key text collate "C" not null, schema_version text not null, producer text not null, value_hash bytea not null,
            chain bytea not null, value bytea not null)
        """;

    private const string Columns = "position, sequence, time, id, key, schema_version, producer, value_hash, chain, value";

    public static async Task<BareCopy> CreateAsync(string database)
    {
        var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(Table, connection);
        await command.ExecuteNonQueryAsync();
        return new BareCopy(connection);
    }

    public async Task WriteAsync(BulkRecords records)
    {
        await using var copy = await connection.BeginBinaryImportAsync($"copy bare.fact ({Columns}) from stdin (format binary)");
        foreach (var group in records.Groups)
            for (var index = 0; index < group.Count; index++) await WriteRowAsync(copy, group, index);
        await copy.CompleteAsync();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static async Task WriteRowAsync(NpgsqlBinaryImporter copy, BenchGroup group, int index)
    {
        await copy.StartRowAsync();
        await copy.WriteAsync(group.Positions[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Sequences[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Times[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Ids[index], NpgsqlDbType.Uuid);
        await copy.WriteAsync(group.Keys[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.SchemaVersions[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.Producers[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.ValueHashes[index], NpgsqlDbType.Bytea);
        await copy.WriteAsync(group.Chains[index], NpgsqlDbType.Bytea);
        await copy.WriteAsync(group.Values[index], NpgsqlDbType.Bytea);
    }
}

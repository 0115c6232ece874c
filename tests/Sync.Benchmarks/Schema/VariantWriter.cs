using Npgsql;
using NpgsqlTypes;
using Sync.Benchmarks.Bulk;

namespace Sync.Benchmarks.Schema;

/// <summary>Writes groups in a variant's way over one connection. Used by one thread.</summary>
internal sealed class VariantWriter : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly Variant _variant;
    private readonly VariantSql _sql;

    private VariantWriter(NpgsqlConnection connection, Variant variant, string schema)
    {
        _connection = connection;
        _variant = variant;
        _sql = new VariantSql(variant, schema);
        Schema = schema;
    }

    internal string Schema { get; }

    /// <summary>The server process that does the work.</summary>
    internal int Backend => _connection.ProcessID;

    /// <param name="connectionString">Of an owner.</param>
    /// <param name="variant">The layout.</param>
    /// <param name="number">Of the schema.</param>
    /// <param name="rows">Facts that are there before (<see cref="Prefill"/>).</param>
    internal static async Task<VariantWriter> CreateAsync(string connectionString, Variant variant, int number, long rows = 0)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            MaxAutoPrepare = 50,
            AutoPrepareMinUsages = 2,
            Pooling = false,
            CommandTimeout = 120,
            Options = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off",
        };
        var connection = new NpgsqlConnection(settings.ConnectionString);
        await connection.OpenAsync();
        var writer = new VariantWriter(connection, variant, $"v{number}");
        await using var command = new NpgsqlCommand(writer._sql.Tables, connection);
        await command.ExecuteNonQueryAsync();
        if (rows > 0) await Prefill.FactsAsync(connection, writer.Schema, 1, 1, rows);
        return writer;
    }

    internal Task CommitAsync(BenchGroup group) => _variant.Carry switch
    {
        Carry.Batch => BatchAsync(group),
        Carry.OneStatement => CallAsync(_sql.OneStatement, group),
        Carry.Function => CallAsync(_sql.CallFunction, group),
        _ => CopyAsync(group),
    };

    /// <summary>Facts, and a fault when something is missing beside them.</summary>
    internal async Task<long> CountAsync()
    {
        await using var command = new NpgsqlCommand(
            $"""
            select f.facts from (select count(*) facts, max(position) last from {Schema}.fact) f, {Schema}.feed d, {Schema}.collection c
            where f.facts = f.last and d.position = f.facts and c.count = f.facts
              and (select count(*) from {Schema}.idempotency) = f.facts
              and (select count(*) from {Schema}.record) = least(f.facts, {GroupSource.KeyCount})
            """,
            _connection);
        return await command.ExecuteScalarAsync() as long? ?? throw new InvalidOperationException($"{_variant.Name}: rows are missing");
    }

    /// <summary>Tables and indexes on disk.</summary>
    internal async Task<long> BytesAsync()
    {
        await using var command = new NpgsqlCommand(
            $"""
            select sum(pg_total_relation_size(c.oid))::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = '{Schema}' and c.relkind = 'r'
            """,
            _connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task BatchAsync(BenchGroup group)
    {
        await using var batch = new NpgsqlBatch(_connection);
        Add(batch, _sql.Fence, Fence(group));
        AddRest(batch, group);
        Add(batch, _sql.InsertFacts, [Value(group.Expected), .. Facts(group)]);
        await batch.ExecuteNonQueryAsync();
    }

    private async Task CallAsync(string sql, BenchGroup group)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        foreach (var value in (NpgsqlParameter[])[.. Fence(group), .. Facts(group), .. Idempotency(group), .. New(group)])
            command.Parameters.Add(value);
        await command.ExecuteNonQueryAsync();
    }

    private async Task CopyAsync(BenchGroup group)
    {
        await using var transaction = await _connection.BeginTransactionAsync();
        await using (var fence = new NpgsqlBatch(_connection))
        {
            Add(fence, _sql.Fence, Fence(group));
            await fence.ExecuteNonQueryAsync();
        }
        await using (var copy = await _connection.BeginBinaryImportAsync(_sql.CopyFacts))
        {
            for (var index = 0; index < group.Count; index++) await WriteRowAsync(copy, group, index);
            await copy.CompleteAsync();
        }
        await using var rest = new NpgsqlBatch(_connection);
        AddRest(rest, group);
        Add(rest, "commit", []);
        await rest.ExecuteNonQueryAsync();
    }

    private void AddRest(NpgsqlBatch batch, BenchGroup group)
    {
        Add(batch, _sql.InsertIdempotency, Idempotency(group));
        if (_variant.Heads == Heads.Upserted) Add(batch, _sql.WriteRecords, Upserts(group));
        else if (group.New.Count > 0) Add(batch, _sql.WriteRecords, New(group));
        Add(batch, _sql.UpdateCollection, [Value(group.Expected + group.Count), Value((long)group.Count)]);
    }

    private static async Task WriteRowAsync(NpgsqlBinaryImporter copy, BenchGroup group, int index)
    {
        await copy.StartRowAsync();
        await copy.WriteAsync((short)0, NpgsqlDbType.Smallint);
        await copy.WriteAsync(1L, NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Positions[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Collections[index], NpgsqlDbType.Integer);
        await copy.WriteAsync(group.Origins[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Sequences[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Afters[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Times[index], NpgsqlDbType.Bigint);
        await copy.WriteAsync(group.Ops[index], NpgsqlDbType.Smallint);
        await copy.WriteAsync(group.Ids[index], NpgsqlDbType.Uuid);
        if (group.Causations[index] is { } causation) await copy.WriteAsync(causation, NpgsqlDbType.Uuid);
        else await copy.WriteNullAsync();
        await copy.WriteAsync(group.Idempotency[index], NpgsqlDbType.Uuid);
        await copy.WriteAsync(group.Keys[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.SchemaVersions[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.Producers[index], NpgsqlDbType.Text);
        await copy.WriteAsync(group.ValueHashes[index], NpgsqlDbType.Bytea);
        await copy.WriteAsync(group.Chains[index], NpgsqlDbType.Bytea);
        await copy.WriteAsync(group.Values[index], NpgsqlDbType.Bytea);
    }

    private static NpgsqlParameter[] Fence(BenchGroup group) =>
        [Value(group.Expected), Value((long)group.Count), Value(group.Chains[^1]), Value(group.Times[^1])];

    private static NpgsqlParameter[] Facts(BenchGroup group) =>
    [
        Value(group.Collections), Value(group.Origins), Value(group.Sequences), Value(group.Afters), Value(group.Times),
        Value(group.Ops), Value(group.Ids), Value(group.Causations), Value(group.Idempotency), Value(group.Keys),
        Value(group.SchemaVersions), Value(group.Producers), Value(group.ValueHashes), Value(group.Chains), Value(group.Values),
    ];

    private static NpgsqlParameter[] Idempotency(BenchGroup group) => [Value(group.Idempotency), Value(group.Positions)];

    private static NpgsqlParameter[] New(BenchGroup group) =>
        [Value(Pick(group.New, group.Keys)), Value(Pick(group.New, group.Origins))];

    private static NpgsqlParameter[] Upserts(BenchGroup group) =>
    [
        Value(Pick(group.Heads, group.Keys)), Value(Pick(group.Heads, group.Origins)), Value(Pick(group.Heads, group.Sequences)),
        Value(Pick(group.Heads, group.Positions)), Value(Pick(group.Heads, group.Ids)),
    ];

    private static T[] Pick<T>(List<int> indexes, T[] from) => indexes.ConvertAll(index => from[index]).ToArray();

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private static void Add(NpgsqlBatch batch, string sql, NpgsqlParameter[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(values);
        batch.BatchCommands.Add(command);
    }
}

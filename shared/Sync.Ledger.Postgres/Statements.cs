using Npgsql;

namespace Sync.Ledger.Postgres;

/// <summary>One statement, run and read whole: every value is a typed parameter, never text in the SQL.</summary>
internal static class Statements
{
    internal static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>All rows. The statements here bound them by a limit or by what was asked for.</summary>
    internal static async ValueTask<List<T>> QueryAsync<T>(
        this NpgsqlConnection connection, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellation,
        params NpgsqlParameter[] values)
    {
        var rows = new List<T>();
        await connection.ReadAsync(sql, reader => rows.Add(read(reader)), cancellation, values).ConfigureAwait(false);
        return rows;
    }

    /// <summary>Row by row: no more of the answer is held than the driver's buffer.</summary>
    internal static async ValueTask ReadAsync(
        this NpgsqlConnection connection, string sql, Action<NpgsqlDataReader> read, CancellationToken cancellation,
        params NpgsqlParameter[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange(values);
            var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
                while (await reader.ReadAsync(cancellation).ConfigureAwait(false))
                    read(reader);
        }
    }

    internal static async ValueTask<int> ExecuteAsync(
        this NpgsqlConnection connection, string sql, CancellationToken cancellation, params NpgsqlParameter[] values)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.AddRange(values);
            return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        }
    }

    internal static NpgsqlBatchCommand Add(this NpgsqlBatch batch, string sql, params NpgsqlParameter[] values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(value);
        batch.BatchCommands.Add(command);
        return command;
    }
}

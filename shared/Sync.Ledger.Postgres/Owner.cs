using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>Connections of the owner role, one at a time and not pooled: migrations and maintenance.</summary>
internal static class Owner
{
    internal static async Task<T> RunAsync<T>(
        PostgresOptions options, string what, Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        try
        {
            var connection = new NpgsqlConnection(ConnectionString(options));
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(cancellation).ConfigureAwait(false);
                return await work(connection).ConfigureAwait(false);
            }
        }
        catch (PostgresException error)
        {
            throw new SyncException(
                SyncErrorCode.LedgerUnavailable, $"{what} failed ({Errors.Describe(error)}).", error.IsTransient, error);
        }
        catch (NpgsqlException error)
        {
            throw Errors.Unavailable(error);
        }
    }

    // What the owner does may wait for another process and may run long; the time-outs of requests do not bound it.
    private static string ConnectionString(PostgresOptions options) =>
        new NpgsqlConnectionStringBuilder(options.OwnerConnectionString ?? options.ConnectionString)
        {
            Pooling = false,
            Timeout = (int)options.ConnectTimeout.TotalSeconds,
            CommandTimeout = 0,
            IncludeErrorDetail = false,
            ApplicationName = "sync owner",
        }.ConnectionString;
}

using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>What the server or the driver said, in words that never carry a value: the code and the names of the table,
/// column or constraint, not the message or its detail.</summary>
internal static class Errors
{
    internal static SyncException Unavailable(NpgsqlException error) => error switch
    {
        PostgresException server => new SyncException(
            SyncErrorCode.LedgerUnavailable, "Postgres: " + Describe(server), IsTransient(server), error),
        _ => new SyncException(SyncErrorCode.LedgerUnavailable, "Postgres cannot be reached: " + Describe(error), true, error),
    };

    // Connections, conflicts, resources, locks, and whoever ended the session or the statement: all may be other next
    // time.
    private static bool IsTransient(PostgresException error) => error.SqlState[..2] is "08" or "40" or "53" or "55" or "57";

    internal static string Describe(Exception error) => error switch
    {
        PostgresException server => $"SQLSTATE {server.SqlState}" + Where(server),
        { InnerException: { } inner } => $"{error.GetType().Name} ({inner.GetType().Name})",
        _ => error.GetType().Name,
    };

    private static string Where(PostgresException error) =>
        string.Concat(Named(" table ", error.TableName), Named(" column ", error.ColumnName), Named(" constraint ", error.ConstraintName));

    private static string Named(string what, string? name) => string.IsNullOrEmpty(name) ? "" : what + name;
}

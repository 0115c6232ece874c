using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>Refuses a server on which an acknowledged commit could be lost, or that is not the one that the ledger was
/// written on. Runs for every new physical connection: one round trip, and a failover is noticed.</summary>
internal static class ServerChecks
{
    private const string Sql = """
        select current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
               pg_is_in_recovery(), current_setting('server_encoding'), current_setting('server_version_num')::int
        """;

    internal static void Check(NpgsqlConnection connection)
    {
        using var command = new NpgsqlCommand(Sql, connection);
        using var reader = command.ExecuteReader();
        reader.Read();
        Judge(reader);
    }

    internal static async Task CheckAsync(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand(Sql, connection);
        await using (command.ConfigureAwait(false))
        {
            var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                await reader.ReadAsync().ConfigureAwait(false);
                Judge(reader);
            }
        }
    }

    private static void Judge(NpgsqlDataReader reader)
    {
        for (var column = 0; column < 3; column++)
            if (reader.GetString(column) == "off")
                throw Refused($"{Settings[column]} is off: a crash would lose acknowledged writes; set it to on");
        if (reader.GetBoolean(3))
            throw new SyncException(
                SyncErrorCode.LedgerUnavailable, "Postgres is in recovery (a standby): connect to the primary.", isTransient: true);
        if (reader.GetString(4) != "UTF8")
            throw Refused($"the database's encoding is {reader.GetString(4)}: create it with encoding UTF8");
        if (reader.GetInt32(5) < 150_000)
            throw Refused("the server is older than Postgres 15");
    }

    private static readonly string[] Settings = ["fsync", "full_page_writes", "synchronous_commit"];

    private static SyncException Refused(string what) => new(SyncErrorCode.Invalid, $"Postgres is refused: {what}.");
}

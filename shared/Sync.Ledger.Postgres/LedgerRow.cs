using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>What the ledger says about itself.</summary>
internal sealed record LedgerRow(int Feeds, HistoryId History)
{
    private const int Format = 1;

    private const string Sql = """
        select l.feeds, l.history, l.format, l.system_identifier = s.system_identifier, l.timeline = c.timeline_id
        from sync.ledger l, pg_control_system() s, pg_control_checkpoint() c
        """;

    /// <summary>Reads it and refuses one that this program must not write to.</summary>
    internal static async ValueTask<LedgerRow> ReadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await PostgresMigrations.CheckAsync(connection, cancellation).ConfigureAwait(false);
        var rows = await connection.QueryAsync(
            Sql,
            reader => (Ledger: new LedgerRow(reader.GetInt32(0), new HistoryId(reader.GetInt64(1))), Format: reader.GetInt32(2),
                SameSystem: reader.GetBoolean(3), SameTimeline: reader.GetBoolean(4)),
            cancellation).ConfigureAwait(false);
        if (rows.Count != 1) throw new SyncException(SyncErrorCode.Corrupt, "The table sync.ledger is empty.");
        var (ledger, format, sameSystem, sameTimeline) = rows[0];
        if (format != Format)
            throw new SyncException(SyncErrorCode.Invalid, $"The ledger has format {format}, this program knows {Format}.");
        if (!sameSystem || !sameTimeline)
            throw new SyncException(
                SyncErrorCode.Invalid,
                $"The ledger was written on another {(sameSystem ? "timeline of this" : "")} database system: it was restored or "
                + "promoted. Positions may be used again for other facts: adopt it as the owner, with a new history unless it "
                + "is certain that no acknowledged write is missing.");
        return ledger;
    }
}

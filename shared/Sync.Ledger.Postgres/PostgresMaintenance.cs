using System.Globalization;
using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>What only the owner role does to a ledger, by a command or on a schedule; never by a writer
/// process.</summary>
public static class PostgresMaintenance
{
    /// <summary>Facts of a partition unless another number is given.</summary>
    public const long PartitionFactsDefault = 10_000_000;

    // The last partition of each feed, with its number and lower bound taken from its name and bound.
    private const string LastParts = """
        select d.feed, d.position, p.relname,
               substring(pg_get_expr(p.relpartbound, p.oid) from 'FROM \(''?(\d+)''?\)')::bigint
        from sync.feed d
        join pg_class t on t.relname = 'fact_' || d.feed and t.relnamespace = 'sync'::regnamespace
        join pg_inherits i on i.inhparent = t.oid
        join pg_class p on p.oid = i.inhrelid
        where pg_get_expr(p.relpartbound, p.oid) like '%TO (MAXVALUE)'
        order by d.feed
        """;

    /// <summary>Puts a vault on a feed of the operator's choice, before anything was written to it.</summary>
    /// <param name="options">With the owner's connection string.</param>
    /// <param name="vault">The vault.</param>
    /// <param name="feed">The feed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: a wrong name or feed, or the vault has its
    /// feed already.</exception>
    public static Task PinVaultAsync(
        PostgresOptions options, string vault, FeedId feed, CancellationToken cancellation = default)
    {
        if (Names.CheckVault(vault) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, wrong);
        return Owner.RunAsync(
            options, "The pin",
            async connection =>
            {
                const string Pin = """
                    insert into sync.vault (name, feed) select $1, $2 where exists (select from sync.feed where feed = $2)
                    on conflict (name) do nothing
                    """;
                if (await connection.ExecuteAsync(Pin, cancellation, Value(vault), Value((short)feed.Value)).ConfigureAwait(false) == 1)
                    return true;
                throw new SyncException(
                    SyncErrorCode.Invalid,
                    $"The vault {vault} cannot be put on feed {feed}: it has its feed already, or there is no such feed.");
            },
            cancellation);
    }

    /// <summary>Accepts a ledger that was restored or promoted, so that writers start on it again.</summary>
    /// <param name="options">With the owner's connection string.</param>
    /// <param name="keepHistory">True only when it is certain that no acknowledged write is missing: readers then go
    /// on with their cursors. False: a new history; every reader starts over.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The ledger's history.</returns>
    /// <exception cref="SyncException">The database cannot be reached, or the role may not do it.</exception>
    public static Task<HistoryId> AdoptAsync(
        PostgresOptions options, bool keepHistory, CancellationToken cancellation = default) =>
        Owner.RunAsync(
            options, "The adoption",
            async connection =>
            {
                const string Adopt = """
                    update sync.ledger set system_identifier = s.system_identifier, timeline = c.timeline_id,
                        history = case when $1 then history else greatest(1, ('x' || encode(
                            substr(uuid_send(gen_random_uuid()), 10, 7), 'hex'))::bit(56)::bigint & 9007199254740991) end
                    from pg_control_system() s, pg_control_checkpoint() c
                    returning history
                    """;
                var rows = await connection.QueryAsync(
                    Adopt, reader => new HistoryId(reader.GetInt64(0)), cancellation, Value(keepHistory)).ConfigureAwait(false);
                return rows[0];
            },
            cancellation);

    /// <summary>Gives the last partition of each feed an end ahead of the head once it is half full, and puts the next
    /// one behind it. Late is harmless: the last partition takes whatever comes and only grows. Writers wait for two
    /// short exclusive locks; the long part, the check that no row is beyond the end, runs beside them.</summary>
    /// <param name="options">With the owner's connection string.</param>
    /// <param name="partitionFacts">About how many facts a partition holds; 1000..1000000000.</param>
    /// <param name="cancellation">Gives up; a cut that was begun is finished by the next call.</param>
    /// <returns>How many partitions were added.</returns>
    /// <exception cref="SyncException">The database cannot be reached, the role may not do it, or a lock was not free
    /// in 5 s.</exception>
    public static Task<int> CutPartitionsAsync(
        PostgresOptions options, long partitionFacts = PartitionFactsDefault, CancellationToken cancellation = default)
    {
        if (partitionFacts is < 1000 or > 1_000_000_000)
            throw new SyncException(SyncErrorCode.Invalid, $"{partitionFacts} facts a partition; must be 1000..1000000000 facts");
        return Owner.RunAsync(
            options, "The cut of partitions",
            async connection =>
            {
                await connection.ExecuteAsync("set lock_timeout = '5s'", cancellation).ConfigureAwait(false);
                var parts = await connection.QueryAsync(
                    LastParts,
                    reader => new Part(reader.GetInt16(0), reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3)), cancellation)
                    .ConfigureAwait(false);
                var added = 0;
                foreach (var part in parts)
                {
                    if (part.Position - part.From < partitionFacts / 2) continue;
                    await CutAsync(connection, part, partitionFacts, cancellation).ConfigureAwait(false);
                    added++;
                }
                return added;
            },
            cancellation);
    }

    // The check constraint says what the new bounds say, so attaching the partition again needs no scan under the lock.
    private static async ValueTask CutAsync(
        NpgsqlConnection connection, Part part, long partitionFacts, CancellationToken cancellation)
    {
        var end = Math.Max(part.From + partitionFacts, part.Position + (partitionFacts / 2));
        // Only numbers go into the statements, never a name that was read.
        var number = int.Parse(part.Name.AsSpan(part.Name.LastIndexOf('_') + 1), CultureInfo.InvariantCulture);
        var (all, last) = ($"sync.fact_{part.Feed}", $"sync.fact_{part.Feed}_{number}");
        string[] steps =
        [
            $"""
            alter table {last} drop constraint if exists cut,
                add constraint cut check (feed = {part.Feed} and position >= {part.From} and position < {end}) not valid
            """,
            $"alter table {last} validate constraint cut",
            $"""
            begin;
            alter table {all} detach partition {last};
            alter table {all} attach partition {last} for values from ({part.From}) to ({end});
            create table {all}_{number + 1} partition of {all} for values from ({end}) to (maxvalue);
            alter table {last} drop constraint cut;
            commit;
            """,
        ];
        foreach (var step in steps) await connection.ExecuteAsync(step, cancellation).ConfigureAwait(false);
    }

    private sealed record Part(int Feed, long Position, string Name, long From);
}

using System.Globalization;
using System.Reflection;
using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Brings the schema <c>sync</c> to this version. Migrations are numbered SQL files in the assembly; each
/// runs once, in a transaction of its own, under one advisory lock, so that any number of processes may start at
/// once.</summary>
public static class PostgresMigrations
{
    // Any number, the same for ever: processes of all versions must meet at the same lock.
    private const long LockId = 0x53_79_6E_63_4C_64_67_72;

    private static readonly IReadOnlyList<Migration> All = Load();

    /// <summary>The schema version that this assembly reads and writes.</summary>
    public static int Version => All[^1].Version;

    /// <summary>Runs what is missing and renews the grants. Safe to repeat and to run at the same time
    /// elsewhere.</summary>
    /// <param name="options">Uses <see cref="PostgresOptions.OwnerConnectionString"/>, else the connection string, and
    /// the roles' names.</param>
    /// <param name="cancellation">Gives up between statements; what is committed stays.</param>
    /// <returns>The versions that ran now.</returns>
    /// <exception cref="SyncException">The database cannot be reached, the role may not do it, or the schema is newer
    /// than this program.</exception>
    public static Task<IReadOnlyList<int>> RunAsync(PostgresOptions options, CancellationToken cancellation = default) =>
        Owner.RunAsync(
            options, "A migration of the schema sync", connection => RunAsync(connection, options, cancellation), cancellation);

    private static async Task<IReadOnlyList<int>> RunAsync(
        NpgsqlConnection connection, PostgresOptions options, CancellationToken cancellation)
    {
        // The session's lock ends with the connection, which is not pooled.
        await connection.ExecuteAsync("select pg_advisory_lock($1)", cancellation, Value(LockId)).ConfigureAwait(false);
        var present = await PresentAsync(connection, cancellation).ConfigureAwait(false);
        RefuseNewer(present);
        var ran = new List<int>();
        foreach (var migration in All)
        {
            if (migration.Version <= present) continue;
            await ApplyAsync(connection, migration, options, cancellation).ConfigureAwait(false);
            ran.Add(migration.Version);
        }
        await GrantAsync(connection, options, cancellation).ConfigureAwait(false);
        return ran;
    }

    /// <summary>Checks that the schema is there in this version, with whatever rights the connection has.</summary>
    internal static async Task CheckAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        int present;
        try
        {
            present = await PresentAsync(connection, cancellation).ConfigureAwait(false);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new SyncException(
                SyncErrorCode.Invalid,
                "The role may not read the schema sync: run the migrations as the owner after the role was created.", false, error);
        }
        RefuseNewer(present);
        if (present < Version)
            throw new SyncException(
                SyncErrorCode.Invalid,
                present == 0
                    ? "The database has no ledger (no schema sync): run the migrations as the owner."
                    : $"The schema sync has version {present}, this program needs {Version}: run the migrations as the owner.");
    }

    private static void RefuseNewer(int present)
    {
        if (present > Version)
            throw new SyncException(
                SyncErrorCode.Invalid,
                $"The schema sync has version {present}, newer than this program's {Version}: use a newer program.");
    }

    private static async Task<int> PresentAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // The table is looked for in the catalogue first: naming an absent one would be an error.
        const string Table = "select count(*) from pg_tables where schemaname = 'sync' and tablename = 'migration'";
        if (await ScalarAsync(connection, Table, cancellation).ConfigureAwait(false) == 0) return 0;
        return (int)await ScalarAsync(connection, "select coalesce(max(version), 0)::bigint from sync.migration", cancellation)
            .ConfigureAwait(false);
    }

    private static async Task ApplyAsync(
        NpgsqlConnection connection, Migration migration, PostgresOptions options, CancellationToken cancellation)
    {
        var transaction = await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await connection.ExecuteAsync(Bootstrap, cancellation).ConfigureAwait(false);
            var feeds = options.Feeds.ToString(CultureInfo.InvariantCulture);
            await SetAsync(connection, "sync.feeds", feeds, cancellation).ConfigureAwait(false);
            await connection.ExecuteAsync(migration.Sql, cancellation).ConfigureAwait(false);
            await connection.ExecuteAsync(
                "insert into sync.migration (version, name) values ($1, $2)", cancellation, Value(migration.Version),
                Value(migration.Name)).ConfigureAwait(false);
            await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private const string Bootstrap = """
        create schema if not exists sync;
        create table if not exists sync.migration (
            version integer primary key, name text not null, applied timestamptz not null default now());
        """;

    private static async Task GrantAsync(NpgsqlConnection connection, PostgresOptions options, CancellationToken cancellation)
    {
        var transaction = await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            await SetAsync(connection, "sync.runtime_role", options.RuntimeRole, cancellation).ConfigureAwait(false);
            await SetAsync(connection, "sync.read_role", options.ReadRole, cancellation).ConfigureAwait(false);
            await connection.ExecuteAsync(Read("grants.sql"), cancellation).ConfigureAwait(false);
            await transaction.CommitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // Scripts cannot take parameters; a setting of the transaction carries them without pasting text into SQL.
    private static ValueTask<int> SetAsync(
        NpgsqlConnection connection, string name, string value, CancellationToken cancellation) =>
        connection.ExecuteAsync("select set_config($1, $2, true)", cancellation, Value(name), Value(value));

    private static async Task<long> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation) =>
        (await connection.QueryAsync(sql, reader => reader.GetInt64(0), cancellation).ConfigureAwait(false))[0];

    private static List<Migration> Load() =>
    [
        .. typeof(PostgresMigrations).Assembly.GetManifestResourceNames()
            .Where(name => name.EndsWith(".sql", StringComparison.Ordinal) && char.IsAsciiDigit(name[0]))
            .Order(StringComparer.Ordinal)
            .Select(name => new Migration(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name[..^4], Read(name))),
    ];

    private static string Read(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private sealed record Migration(int Version, string Name, string Sql);
}

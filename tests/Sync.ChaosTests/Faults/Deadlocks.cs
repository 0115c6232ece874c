using System.Globalization;
using Npgsql;
using Sync.ChaosTests.Topology;
using Sync.Contracts;

namespace Sync.ChaosTests.Faults;

/// <summary>
/// A session that takes locks in the order opposite to a commit: rows of collections first, then the row of their
/// feed. Postgres finds that each waits for the other and ends one: who looked first, so the sessions'
/// <c>deadlock_timeout</c> decides.
/// </summary>
internal static class Deadlocks
{
    /// <summary>With 300 writes a second a commit comes at once.</summary>
    private static readonly TimeSpan MomentMax = TimeSpan.FromSeconds(4);

    /// <summary>Until the load has written to a feed for the first time.</summary>
    private static readonly TimeSpan LoadMax = TimeSpan.FromSeconds(30);

    /// <summary>Backends tell their counts when they are used again, or have been idle for 10 s.</summary>
    private static readonly TimeSpan CountMax = TimeSpan.FromSeconds(12);

    private static readonly TimeSpan GoesOnWithin = TimeSpan.FromSeconds(5);

    // The commit is ended most of the time, the rival in between.
    private static readonly bool[] EndsCommit = [true, false, true, true];

    public static Fault Fault => new("deadlock", "postgres")
    {
        Inject = InjectAsync,
        Heal = (_, _) => Task.CompletedTask,
        Hold = TimeSpan.FromSeconds(1),
        // Commits must reach Postgres, or there is none to lock with.
        Claims = ["writer-1", "writer-2", "writer-1-postgres", "writer-2-postgres"],
        IsTelling = true,
    };

    private static async Task InjectAsync(World world, Harm harm)
    {
        var feeds = Load.Vaults.Select(vault => Feeds.Of(vault, Feeds.CountDefault).Value).Distinct().ToArray();
        var feed = feeds[harm.Chance.Next(feeds.Length)];
        if (!await Pauses.UntilAsync(
            async () => await PositionAsync(world, feed, harm.Cancellation) > 0, LoadMax, harm.Cancellation))
            throw new TimeoutException($"Feed {feed} was never written to.");
        var before = await CountAsync(world, harm.Cancellation);
        var rivals = 0;
        foreach (var endsCommit in EndsCommit)
            if (await MeetAsync(world, feed, endsCommit, harm)) rivals++;
        var all = 0L;
        await Pauses.UntilAsync(
            async () => (all = await CountAsync(world, harm.Cancellation) - before) > rivals, CountMax,
            harm.Cancellation);
        harm.Note(string.Create(
            CultureInfo.InvariantCulture, $"feed {feed}: {all} deadlocks, of which {rivals} ended the rival session"));
        if (all <= rivals)
            throw new InvalidOperationException(
                "No commit was ended by a deadlock, so nothing was tested: "
                + $"{all} deadlocks, {rivals} of them ended the rival session.");
        await ShouldGoOnAsync(world, feed, harm.Cancellation);
    }

    /// <returns>True when the rival was ended.</returns>
    private static async Task<bool> MeetAsync(World world, int feed, bool endsCommit, Harm harm)
    {
        await using var rival = await world.OpenAsync(harm.Cancellation);
        await RunAsync(rival, $"""
            set deadlock_timeout = '{(endsCommit ? "1min" : "1ms")}';
            begin;
            select 1 from sync.collection where vault in (select id from sync.vault where feed = {feed}) for update
            """, harm.Cancellation);
        if (!await Pauses.UntilAsync(() => HoldsUpAsync(rival, harm.Cancellation), MomentMax, harm.Cancellation))
        {
            harm.Note(PointFaults.Missed);
            return false;
        }
        try
        {
            await RunAsync(rival, $"select 1 from sync.feed where feed = {feed} for update", harm.Cancellation);
            return false;
        }
        catch (PostgresException ended) when (ended.SqlState == PostgresErrorCodes.DeadlockDetected)
        {
            return true;
        }
    }

    private static async Task<bool> HoldsUpAsync(NpgsqlConnection rival, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("""
            select exists (select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid)))
            """, rival);
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task ShouldGoOnAsync(World world, int feed, CancellationToken cancellation)
    {
        var position = await PositionAsync(world, feed, cancellation);
        if (!await Pauses.UntilAsync(
            async () => await PositionAsync(world, feed, cancellation) > position, GoesOnWithin * world.Pace.Allowance,
            cancellation))
            throw new TimeoutException($"Feed {feed} was not written to any more after its deadlocks.");
    }

    private static Task<long> CountAsync(World world, CancellationToken cancellation) =>
        ReadAsync(world, "select deadlocks from pg_stat_database where datname = current_database()", cancellation);

    private static Task<long> PositionAsync(World world, int feed, CancellationToken cancellation) =>
        ReadAsync(world, $"select position from sync.feed where feed = {feed}", cancellation);

    private static async Task<long> ReadAsync(World world, string sql, CancellationToken cancellation)
    {
        await using var connection = await world.OpenAsync(cancellation);
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}

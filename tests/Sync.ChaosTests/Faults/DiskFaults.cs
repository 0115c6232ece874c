using Npgsql;
using Sync.ChaosTests.Topology;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Faults;

/// <summary>Faults of the disks below Postgres, on a world with small ones; phase D.</summary>
internal static class DiskFaults
{
    private const int WritesMax = 500;

    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(30);

    public static IReadOnlyList<Fault> All { get; } =
    [
        Full("disk-full", disks => disks.Data, "create table public.filler as select repeat('x', 1000) from generate_series(1, 10000)"),
        Full("wal-full", disks => disks.Wal, "select pg_logical_emit_message(true, 'filler', repeat('x', 200000))"),
        RestoreOldCopy(),
    ];

    // The statement writes to that disk: repeated, it must fail soon, by an error or with the whole server.
    private static Fault Full(string kind, Func<SmallDisks, SmallDisk> disk, string write) => new(kind, "postgres")
    {
        Inject = async (world, harm) =>
        {
            disk(world.Disks!).Fill();
            for (var writes = 0; writes < WritesMax; writes++)
            {
                try
                {
                    await world.ExecuteAsync(write, harm.Cancellation);
                }
                catch (NpgsqlException full)
                {
                    harm.Note(full.Message);
                    return;
                }
            }
            throw new InvalidOperationException("Postgres never noticed that its disk is full.");
        },
        Heal = async (world, cancellation) =>
        {
            disk(world.Disks!).Free();
            await BackAsync(world, cancellation);
        },
        Hold = TimeSpan.FromSeconds(5),
        Needs = Needs.Root,
    };

    // docs/OPERATIONS.md, Backup and restore: a copy of the data folder, put back on the same server while later writes are lost.
    private static Fault RestoreOldCopy() => new("restore-old-copy", "postgres")
    {
        Inject = async (world, harm) =>
        {
            var copy = Path.Combine(world.Run.Path, "copy");
            await AtRestAsync(world, () => CopyAsync(world, copy));
            await world.StartLedgerAsync(harm.Cancellation);
            harm.Note("copied; what is written from now on is lost");
            await Pauses.ForAsync(TimeSpan.FromSeconds(4), harm.Cancellation);
            await AtRestAsync(world, () => PutBackAsync(world, copy));
            await world.Postgres.StartAsync();
            await world.ExecuteAsync(Adopt, harm.Cancellation);
            Directory.Delete(copy, recursive: true);
        },
        Heal = ProcessFaults.Undo(world =>
        {
            foreach (var writer in world.Writers) writer.Start();
        }),
        Claims = ["writer-1", "writer-2"],
        Hold = TimeSpan.Zero,
        Needs = Needs.Root,
    };

    private const string Adopt = """
        update sync.ledger set system_identifier = s.system_identifier, timeline = c.timeline_id,
            history = greatest(1, ('x' || encode(substr(uuid_send(gen_random_uuid()), 10, 7), 'hex'))::bit(56)::bigint & 9007199254740991)
        from pg_control_system() s, pg_control_checkpoint() c
        """;

    private static async Task AtRestAsync(World world, Func<Task> act)
    {
        foreach (var writer in world.Writers) await writer.StopAsync();
        await world.Postgres.StopAsync();
        await act();
    }

    private static Task<string> CopyAsync(World world, string copy)
    {
        Directory.CreateDirectory(copy);
        return RunAsync($"cp -a '{world.Postgres.DataFolder}' '{copy}/data' && cp -a '{world.Disks!.Wal.Folder}' '{copy}/wal'");
    }

    // The disk of the log of writes is a mount: emptied, not removed.
    private static Task<string> PutBackAsync(World world, string copy) => RunAsync(
        $"rm -rf '{world.Postgres.DataFolder}' && cp -a '{copy}/data' '{world.Postgres.DataFolder}' "
        + $"&& find '{world.Disks!.Wal.Folder}' -mindepth 1 -delete && cp -a '{copy}/wal/.' '{world.Disks.Wal.Folder}'");

    private static Task<string> RunAsync(string script) =>
        ServiceProcess.RunAsync(new ServiceStart("sh") { Arguments = ["-c", script] }, TimeSpan.FromMinutes(1));

    // Postgres restarts by itself after a panic, unless it could not even recover: then somebody starts it.
    private static async Task BackAsync(World world, CancellationToken cancellation)
    {
        var isBack = await Pauses.UntilAsync(async () =>
        {
            if (!world.Postgres.IsRunning) await world.Postgres.StartAsync();
            return await world.AnswersAsync(cancellation);
        }, AnswerMax, cancellation);
        if (!isBack) throw new TimeoutException("Postgres did not come back.");
    }
}

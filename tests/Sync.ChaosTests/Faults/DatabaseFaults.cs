using System.Globalization;
using Npgsql;
using Sync.ChaosTests.Topology;
using Sync.Testing.Nats;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Faults;

/// <summary>Faults inside Postgres: sessions, locks, the disk below it.</summary>
internal static class DatabaseFaults
{
    public static IEnumerable<Fault> All =>
        [KillBackend(), EndSessions(), HoldLock(), Deadlocks.Fault, FailSync(), SlowSync()];

    // Postgres then ends every session and recovers from its log.
    private static Fault KillBackend() => new("kill-backend", "postgres")
    {
        Inject = async (world, harm) =>
        {
            var backends = await world.BackendsAsync(harm.Cancellation);
            if (backends.Count == 0) throw new InvalidOperationException("No writer is connected to Postgres.");
            Signals.Send(backends[harm.Chance.Next(backends.Count)], Signals.Kill);
        },
        Heal = (world, cancellation) => AnswersAsync(world, cancellation),
        Hold = TimeSpan.FromSeconds(1),
    };

    private static Fault EndSessions() => new("end-sessions", "postgres")
    {
        Inject = (world, harm) => world.ExecuteAsync(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sync'", harm.Cancellation),
        Heal = (_, _) => Task.CompletedTask,
        Hold = TimeSpan.FromSeconds(1),
        IsTelling = true,
    };

    // Longer than the writers wait for a row (3 s), and longer than a lease: renewals wait for the same rows.
    private static Fault HoldLock()
    {
        NpgsqlConnection? holder = null;
        return new Fault("lock-held", "postgres")
        {
            Inject = async (world, harm) =>
            {
                holder = await world.OpenAsync(harm.Cancellation);
                await using var command = new NpgsqlCommand("begin; select 1 from sync.feed for update", holder);
                await command.ExecuteNonQueryAsync(harm.Cancellation);
            },
            Heal = async (_, _) =>
            {
                if (holder is not null) await holder.DisposeAsync();
                holder = null;
            },
            Hold = TimeSpan.FromSeconds(5),
            IsSingle = true,
        };
    }

    // Postgres panics when its log cannot be made durable, and recovers: the commit is neither acknowledged nor surely gone.
    private static Fault FailSync() => Traced("sync-error", "fdatasync:error=EIO:when=1") with { Hold = TimeSpan.FromSeconds(2) };

    private static Fault SlowSync() => Traced("sync-slow", "fdatasync:delay_exit=200000") with { IsSingle = false };

    private static Fault Traced(string kind, string injection)
    {
        ServiceProcess? tracer = null;
        return new Fault(kind, "postgres")
        {
            Inject = async (world, harm) =>
            {
                var backends = await world.BackendsAsync(harm.Cancellation);
                tracer = ServiceProcess.Start(new ServiceStart("strace")
                {
                    Arguments =
                    [
                        "-f", "-o", world.Run.Output("strace"), "-e", "trace=fdatasync", "-e", "inject=" + injection,
                        .. backends.Append(world.WalWriter()).SelectMany(
                            pid => new[] { "-p", pid.ToString(CultureInfo.InvariantCulture) }),
                    ],
                });
                if (tracer.HasExited) throw new InvalidOperationException("strace ended: " + tracer.Output);
            },
            Heal = async (world, cancellation) =>
            {
                if (tracer is null) return;
                await tracer.TerminateAsync();
                await tracer.DisposeAsync();
                tracer = null;
                await AnswersAsync(world, cancellation);
            },
            Needs = Needs.Root | Needs.Strace,
        };
    }

    private static async Task AnswersAsync(World world, CancellationToken cancellation)
    {
        if (!await Pauses.UntilAsync(() => world.AnswersAsync(cancellation), TimeSpan.FromSeconds(30), cancellation))
            throw new TimeoutException("Postgres did not come back within 30 s.");
    }
}

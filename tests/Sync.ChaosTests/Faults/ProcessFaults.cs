using Sync.ChaosTests.Topology;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Faults;

/// <summary>Faults of whole processes: killed, stopped, starved, with too little memory, with a wrong clock.</summary>
internal static class ProcessFaults
{
    /// <summary>Longer than a lease (2.5 s), so that the other writer takes over while this one sleeps.</summary>
    private static readonly TimeSpan LongerThanLease = TimeSpan.FromSeconds(7.5);

    /// <summary>Longer than a statement may take (10 s), and its client waits (12 s).</summary>
    private static readonly TimeSpan LongerThanStatement = TimeSpan.FromSeconds(13);

    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3);

    public static IEnumerable<Fault> All =>
    [
        Kill("writer-1", world => world.Writers[0]) with { IsTelling = true },
        Kill("writer-2", world => world.Writers[1]),
        Kill("replica-1", world => world.Replicas[0]),
        Kill("replica-2", world => world.Replicas[1]) with { IsTelling = true },
        Kill("insight", world => world.Insight),
        new Fault("kill", "postgres")
        {
            Inject = (world, _) => world.Postgres.KillAsync(),
            Heal = (world, _) => world.Postgres.StartAsync(),
            IsTelling = true,
        },
        new Fault("kill", "broker")
        {
            Inject = (world, _) => world.Nats.KillAsync(),
            Heal = (world, _) => world.Nats.StartAgainAsync(),
            IsTelling = true,
        },
        Pause("writer-1", world => world.Writers[0]),
        Pause("writer-1", world => world.Writers[0]) with { Kind = "pause-over-lease", Hold = LongerThanLease, IsTelling = true },
        Pause("writer-2", world => world.Writers[1]) with { Kind = "pause-over-lease", Hold = LongerThanLease, IsSingle = false },
        Pause("replica-1", world => world.Replicas[0]),
        Pause("insight", world => world.Insight),
        PausePostgres(),
        PausePostgres() with { Kind = "pause-over-timeouts", Hold = LongerThanStatement },
        new Fault("pause", "broker")
        {
            Inject = Do((world, _) => world.Nats.Pause()),
            Heal = Undo(world => world.Nats.Resume()),
            Hold = Short,
        },
        Clock("writer-1", world => world.Writers[0]),
        Clock("replica-1", world => world.Replicas[0]),
        Small("writer-2", world => world.Writers[1]),
        Small("replica-1", world => world.Replicas[0]),
        Small("insight", world => world.Insight),
        Starve(),
    ];

    private static Fault Kill(string target, Func<World, Node> node) => new("kill", target)
    {
        Inject = (world, _) => node(world).KillAsync(),
        Heal = Undo(world => node(world).Start()),
    };

    private static Fault Pause(string target, Func<World, Node> node) => new("pause", target)
    {
        Inject = Do((world, _) => node(world).Pause()),
        Heal = Undo(world => node(world).Continue()),
        Hold = Short,
    };

    private static Fault PausePostgres() => new("pause", "postgres")
    {
        Inject = Do((world, _) => world.Postgres.Pause()),
        Heal = Undo(world => world.Postgres.Continue()),
        Hold = Short,
    };

    // The wall clock only: no monotonic clock of any system ever jumps.
    private static Fault Clock(string target, Func<World, Node> node) => new("clock-step", target)
    {
        Inject = Do((world, harm) =>
        {
            var step = harm.Chance.Next(2) == 0 ? "+3600" : "-3600";
            harm.Note(step + " s");
            File.WriteAllText(node(world).ClockFile!, step);
        }),
        Heal = Undo(world => File.WriteAllText(node(world).ClockFile!, "+0")),
        Hold = TimeSpan.FromSeconds(4),
        Needs = Needs.FakeTime,
    };

    // 48 MiB of managed heap: tight for what it holds, and enough to do the work.
    private static Fault Small(string target, Func<World, Node> node) => new("memory-limit", target)
    {
        Inject = async (world, _) =>
        {
            await node(world).KillAsync();
            node(world).Start(("DOTNET_GCHeapHardLimit", "0x3000000"));
        },
        Heal = async (world, _) =>
        {
            await node(world).KillAsync();
            node(world).Start();
        },
        Hold = TimeSpan.FromSeconds(5),
        IsSingle = false,
    };

    private static Fault Starve()
    {
        var burners = new List<ServiceProcess>();
        return new Fault("cpu-starved", "machine")
        {
            Inject = Do((_, _) =>
            {
                for (var n = 0; n < 4; n++)
                    burners.Add(ServiceProcess.Start(new ServiceStart("sh") { Arguments = ["-c", "while :; do :; done"] }));
            }),
            Heal = async (_, _) =>
            {
                foreach (var burner in burners) await burner.DisposeAsync();
                burners.Clear();
            },
            IsSingle = false,
        };
    }

    internal static Func<World, Harm, Task> Do(Action<World, Harm> action) => (world, harm) =>
    {
        action(world, harm);
        return Task.CompletedTask;
    };

    internal static Func<World, CancellationToken, Task> Undo(Action<World> action) => (world, _) =>
    {
        action(world);
        return Task.CompletedTask;
    };
}

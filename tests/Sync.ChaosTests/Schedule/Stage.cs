using Sync.ChaosTests.Check;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Schedule;

/// <summary>A world with its crew at work, and what does faults to it and checks it.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly World _world;
    private readonly FaultLog _log;
    private readonly Checker _checker;

    private Stage(World world, TextWriter output)
    {
        _world = world;
        _log = new FaultLog(world.Run);
        _checker = new Checker(world.Run, world.Ledger, [.. world.Replicas.Select(replica => replica.Url)]);
        Run = new ChaosRun(world, _log, _checker, world.Pace, world.Seed, output);
        Liveness = new Liveness(world, _log, _checker, world.Pace, output);
    }

    public ChaosRun Run { get; }

    public Liveness Liveness { get; }

    /// <summary>Starts everything; the load is under way when this returns.</summary>
    public static async Task<Stage> StartAsync(WorldOptions options, TextWriter output, CancellationToken cancellation)
    {
        Directory.CreateDirectory(options.Run.Path);
        var stage = new Stage(await World.StartAsync(options, cancellation), output);
        stage._world.Crew.Start(stage._world);
        return stage;
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _checker.Dispose();
        _log.Dispose();
    }
}

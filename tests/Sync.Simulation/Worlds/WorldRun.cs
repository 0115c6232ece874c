namespace Sync.Simulation.Worlds;

/// <summary>Runs many histories of one world, some at a time, until one fails.</summary>
/// <remarks>Histories share nothing; a thread keeps its own counts and adds them up under a lock when it is
/// done.</remarks>
internal sealed class WorldRun(SimWorld world, SimMode mode, SimFaults faults, ulong seed)
{
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private readonly List<SimEnding> _failed = [];
    private ulong _next = seed;
    private int _taken;
    private int _done;
    private long _steps;

    public Coverage Coverage { get; } = new();

    public int Done => Volatile.Read(ref _done);

    public long Steps => Interlocked.Read(ref _steps);

    /// <returns>The failing history with the lowest seed among those that were run; null = all held.</returns>
    public SimEnding? Run(int histories, int threads, Action<int> progress, CancellationToken cancellation)
    {
        using var timer = new Timer(_ => progress(Done), null, ProgressEvery, ProgressEvery);
        var running = Enumerable.Range(0, Math.Min(threads, histories)).Select(_ => new Thread(Work)).ToList();
        foreach (var thread in running) thread.Start();
        foreach (var thread in running) thread.Join();
        return _failed.MinBy(ending => ending.Seed);

        void Work()
        {
            var coverage = new Coverage();
            while (!cancellation.IsCancellationRequested && TryTake(histories, out var taken))
            {
                var ending = world.Run(taken, faults, coverage);
                Interlocked.Increment(ref _done);
                Interlocked.Add(ref _steps, ending.Steps);
                if (ending.Violation is null) continue;
                lock (_gate) _failed.Add(ending);
            }
            lock (_gate) Coverage.Add(coverage);
        }
    }

    // The next seed of this mode; none behind a failure.
    private bool TryTake(int histories, out ulong taken)
    {
        lock (_gate)
        {
            while (!world.Has(_next, mode)) _next++;
            taken = _next++;
            return _failed.Count == 0 && _taken++ < histories;
        }
    }
}

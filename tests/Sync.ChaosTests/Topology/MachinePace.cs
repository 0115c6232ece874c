using System.Globalization;

namespace Sync.ChaosTests.Topology;

/// <summary>
/// How long the threads of the services waited for a core, against how long they ran, as the kernel counts it (schedstat). Bounds are
/// for a machine that has the run for itself; where others take its cores bounds grow with the wait, and the report says so.
/// </summary>
/// <remarks>The run's own processes wait for each other too: <see cref="OwnShare"/> is theirs and grants nothing.</remarks>
internal sealed class MachinePace : IAsyncDisposable
{
    /// <summary>Elapsed against running time that the run makes of two cores by itself.</summary>
    public const double OwnShare = 3;

    private const double AllowanceMax = 20;
    private const int SamplesKept = 10;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<(long Run, long Wait)> _samples = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private Dictionary<string, (long Run, long Wait)> _last = [];

    public MachinePace(IEnumerable<Node> nodes) => _loop = Task.Run(() => WatchAsync([.. nodes]));

    /// <summary>By what bounds are multiplied now: 1, unless the services waited in the last ten seconds beyond the run's own share.</summary>
    public double Allowance
    {
        get
        {
            lock (_gate)
            {
                double run = _samples.Sum(sample => sample.Run), wait = _samples.Sum(sample => sample.Wait);
                return run == 0 ? 1 : Math.Clamp((run + wait) / run / OwnShare, 1, AllowanceMax);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(IReadOnlyList<Node> nodes)
    {
        using var timer = new PeriodicTimer(Every);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            var now = nodes.Where(node => node.IsRunning).SelectMany(node => Threads(node.ProcessId))
                .ToDictionary(thread => thread.Name, thread => (thread.Run, thread.Wait), StringComparer.Ordinal);
            var (run, wait) = (0L, 0L);
            foreach (var (name, (ran, waited)) in now)
            {
                if (!_last.TryGetValue(name, out var before)) continue;
                run += ran - before.Run;
                wait += waited - before.Wait;
            }
            _last = now;
            lock (_gate)
            {
                if (_samples.Count == SamplesKept) _samples.Dequeue();
                _samples.Enqueue((run, wait));
            }
        }
    }

    // "run wait slices", in nanoseconds. Threads come and go while this reads.
    private static List<(string Name, long Run, long Wait)> Threads(int processId)
    {
        var threads = new List<(string, long, long)>();
        try
        {
            foreach (var folder in Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/task")))
            {
                var fields = File.ReadAllText(Path.Combine(folder, "schedstat")).Split(' ');
                threads.Add((folder, long.Parse(fields[0], CultureInfo.InvariantCulture), long.Parse(fields[1], CultureInfo.InvariantCulture)));
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // Ended meanwhile: what was read until then counts.
        }
        return threads;
    }
}

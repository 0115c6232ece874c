using System.Diagnostics;

namespace Sync.Simulation;

/// <summary>Many histories, on as many threads as there are cores. Which thread ran which makes no difference: each history
/// is its seed.</summary>
internal sealed class HistoryRun
{
    private readonly Lock _gate = new();
    private long _next = -1;

    public Coverage Coverage { get; } = new();

    public long Steps { get; private set; }

    public long Operations { get; private set; }

    public long Histories { get; private set; }

    /// <summary>Steps of the longest history.</summary>
    public long StepsMost { get; private set; }

    /// <summary>Hashes of all histories, whatever their order.</summary>
    public ulong Hash { get; private set; }

    /// <summary>The first that fails, by seed, of those that were run; null = none.</summary>
    public Ending? Failed { get; private set; }

    public TimeSpan Took { get; private set; }

    /// <summary>Runs histories from a seed on; stops soon after one fails.</summary>
    public static HistoryRun Of(ulong seed, int histories, Switches? switches = null, int? threads = null)
    {
        var run = new HistoryRun();
        var watch = Stopwatch.StartNew();
        var workers = new Thread[Math.Min(threads ?? Environment.ProcessorCount, histories)];
        for (var index = 0; index < workers.Length; index++)
        {
            workers[index] = new Thread(() => run.Work(seed, histories, switches));
            workers[index].Start();
        }
        foreach (var worker in workers) worker.Join();
        run.Took = watch.Elapsed;
        return run;
    }

    private void Work(ulong seed, int histories, Switches? switches)
    {
        while (Volatile.Read(ref _next) < histories && Interlocked.Increment(ref _next) is var index && index < histories)
        {
            var ending = History.Run(Plan.Of(seed + (ulong)index), switches);
            lock (_gate)
            {
                Coverage.Add(ending.Coverage);
                (Steps, Operations, Histories) = (Steps + ending.Steps, Operations + ending.Plan.Operations, Histories + 1);
                StepsMost = Math.Max(StepsMost, ending.Steps);
                Hash += ending.Hash;
                if (ending.Violation is null) continue;
                if (Failed is null || ending.Plan.Seed < Failed.Plan.Seed) Failed = ending;
                Volatile.Write(ref _next, histories);
            }
        }
    }
}

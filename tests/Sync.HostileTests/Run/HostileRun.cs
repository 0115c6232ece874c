using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sync.HostileTests.Run;

/// <summary>What one target went through.</summary>
internal sealed class Tally(string name, long wanted)
{
    private long _taken, _refused, _ticks;

    public string Name => name;

    /// <summary>Inputs that it was to get.</summary>
    public long Wanted => wanted;

    public long Taken => Interlocked.Read(ref _taken);

    public long Refused => Interlocked.Read(ref _refused);

    public long Ran => Taken + Refused;

    public TimeSpan Time => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    public ConcurrentBag<byte[]> Grown { get; } = [];

    public void Add(Slice slice, TimeSpan time)
    {
        Interlocked.Add(ref _taken, slice.Taken);
        Interlocked.Add(ref _refused, slice.Refused);
        Interlocked.Add(ref _ticks, time.Ticks);
        foreach (var input in slice.Grown) Grown.Add(input);
    }
}

/// <summary>Many slices of many targets on all processors.</summary>
internal sealed class HostileRun(IReadOnlyList<Func<Target>> targets, int seed)
{
    /// <summary>A reading that goes on for so long hangs; far above what a starved machine makes of 50 ms.</summary>
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(90);

    private readonly record struct Job(int Target, int Number, int Count);

    private sealed class Worker
    {
        public Probe? Probe;
        public string What = "";
    }

    private readonly ConcurrentQueue<Job> _jobs = new();
    private readonly ConcurrentBag<Finding> _findings = [];
    private readonly Target[] _examples = [.. targets.Select(make => make())];
    private IReadOnlyList<byte[]>[] _seeds = [];

    public Tally[] Tallies { get; private set; } = [];

    public IReadOnlyCollection<Finding> Findings => _findings;

    public TimeSpan Elapsed { get; private set; }

    /// <summary>Runs so many inputs, shared out by the targets' weights, never less than one slice of a target.</summary>
    /// <exception cref="TimeoutException">A reading hangs.</exception>
    public void Run(long inputs, int workersMax = 64)
    {
        var started = Stopwatch.GetTimestamp();
        _seeds = [.. _examples.Select(Corpus.Of)];
        Plan(inputs);
        var workers = new Worker[Math.Clamp(Environment.ProcessorCount, 1, workersMax)];
        var threads = new Thread[workers.Length];
        for (var index = 0; index < workers.Length; index++)
        {
            var worker = workers[index] = new Worker();
            threads[index] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"hostile {index}" };
            threads[index].Start();
        }
        foreach (var thread in threads)
            while (!thread.Join(TimeSpan.FromSeconds(1))) RefuseHang(workers);
        Elapsed = Stopwatch.GetElapsedTime(started);
    }

    /// <summary>Runs one slice again.</summary>
    public void RunSlice(int number)
    {
        _seeds = [.. _examples.Select(Corpus.Of)];
        Tallies = [.. _examples.Select(target => new Tally(target.Name, Slice.Size))];
        for (var target = 0; target < _examples.Length; target++) Run(new Worker(), new Job(target, number, Slice.Size));
    }

    private void Plan(long inputs)
    {
        var weights = _examples.Sum(target => target.Weight);
        Tallies = [.. _examples.Select(target => new Tally(target.Name, Share(inputs, target.Weight, weights)))];
        // Round by round, so that targets end at about the same time and a short run sees all of them.
        var left = Tallies.Select(tally => tally.Wanted).ToArray();
        for (var number = 0; left.Any(count => count > 0); number++)
            for (var target = 0; target < left.Length; target++)
            {
                if (left[target] <= 0) continue;
                _jobs.Enqueue(new Job(target, number, (int)Math.Min(Slice.Size, left[target])));
                left[target] -= Slice.Size;
            }
    }

    private static long Share(long inputs, int weight, int weights) =>
        Math.Max(((inputs * weight) + weights - 1) / weights, Math.Min(inputs, Slice.Size));

    private void Work(Worker worker)
    {
        // One finding of a target is enough; the others go on.
        while (_jobs.TryDequeue(out var job))
            if (!_findings.Any(found => found.Target == _examples[job.Target].Name)) Run(worker, job);
    }

    private void Run(Worker worker, Job job)
    {
        var started = Stopwatch.GetTimestamp();
        var slice = new Slice(targets[job.Target](), _seeds[job.Target], seed, job.Number);
        worker.What = $"{_examples[job.Target].Name}, seed {seed}, slice {job.Number}";
        Volatile.Write(ref worker.Probe, slice.Probe);
        if (slice.Run(job.Count) is { } finding) _findings.Add(finding);
        Tallies[job.Target].Add(slice, Stopwatch.GetElapsedTime(started));
    }

    private static void RefuseHang(Worker[] workers)
    {
        foreach (var worker in workers)
            if (Volatile.Read(ref worker.Probe) is { } probe && Volatile.Read(ref probe.Since) is var since and > 0
                && Stopwatch.GetElapsedTime(since) > HangAfter)
                throw new TimeoutException($"{worker.What}: one reading has gone on for {HangAfter}");
    }
}

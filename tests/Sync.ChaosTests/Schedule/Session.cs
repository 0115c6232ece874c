using Sync.ChaosTests.Check;
using Sync.ChaosTests.Faults;
using Sync.ChaosTests.Topology;

namespace Sync.ChaosTests.Schedule;

/// <summary>A whole run of the command: its phases one after the other, until one does not hold.</summary>
internal sealed class Session(RunOptions options, IReadOnlyList<Fault> faults, TextWriter output)
{
    /// <summary>Of the full check at the end.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan SetUp = TimeSpan.FromSeconds(20);

    private readonly RunFolder _run = new(options.Logs ?? Directory.CreateTempSubdirectory("sync-chaos-").FullName);

    /// <summary>True when all held. Logs are kept unless it did, in a folder that nobody asked for.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(_run.Path);
        await output.WriteLineAsync($"seed {options.Seed}; logs in {_run.Path}");
        var held = await FaultsAsync(cancellation);
        if (held && options.Logs is null) Directory.Delete(_run.Path, recursive: true);
        await output.WriteLineAsync(held ? "all held" : "BROKEN");
        return held;
    }

    private async Task<bool> FaultsAsync(CancellationToken cancellation)
    {
        var rounds = Rounds();
        if (rounds.Count == 0) return true;
        await output.WriteLineAsync($"{rounds.Count} rounds");
        await using var world = await World.StartAsync(
            new WorldOptions
            {
                Run = _run,
                Seed = options.Seed,
                Clocks = faults.Any(fault => fault.Needs.HasFlag(Needs.FakeTime)),
            },
            cancellation);
        using var log = new FaultLog(_run);
        world.Crew.Start(world);
        using var checker = new Checker(_run, world.Ledger, [.. world.Replicas.Select(replica => replica.Url)]);
        var run = new ChaosRun(world, log, checker, options.Seed, output);
        var held = await run.RunAsync(rounds, cancellation);
        Findings findings = held ? await run.FinishAsync(Quiet, cancellation) : run.Results[^1].Findings;
        await output.WriteLineAsync(Report.Table(run.Results));
        foreach (var (name, count) in findings.Counters) await output.WriteLineAsync($"{name}: {count}");
        if (!findings.Hold) await output.WriteLineAsync(Report.Failure(options.Seed, run.Results, findings, _run));
        return findings.Hold;
    }

    private List<Round> Rounds()
    {
        var rounds = new List<Round>();
        var left = options.Time - SetUp - TimeSpan.FromSeconds(60 * options.Phases.Count(phase => phase is 'C' or 'D'));
        if (options.Phases.Contains('A', StringComparison.Ordinal))
        {
            var singles = options.Phases.Contains('B', StringComparison.Ordinal) ? left * 0.65 : left;
            rounds.AddRange(Plan.Singles(options.Seed, faults.Where(fault => fault.IsSingle), singles));
            left -= singles;
        }
        if (options.Phases.Contains('B', StringComparison.Ordinal))
            rounds.AddRange(Plan.Swarms(options.Seed, faults, left, rounds.Count + 1));
        return rounds;
    }
}

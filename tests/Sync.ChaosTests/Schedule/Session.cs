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
    private static readonly TimeSpan LivenessTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan DiskTime = TimeSpan.FromSeconds(75);

    private readonly RunFolder _run = options.Logs is { } folder ? new(folder) : RunFolder.CreateTemporary();
    private readonly List<RoundResult> _results = [];

    /// <summary>True when all held. Logs are kept unless it did, in a folder that nobody asked for.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        await output.WriteLineAsync($"seed {options.Seed}; logs in {_run.Path}");
        var held = true;
        try
        {
            if (Does('A') || Does('B') || Does('C')) held = await FaultsAsync(cancellation);
            if (held && Does('D')) held = await DisksAsync(cancellation);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            await output.WriteLineAsync($"the run itself failed: {error}\nLogs: {_run.Path}");
            held = false;
        }
        await output.WriteLineAsync(Report.Table(_results));
        if (held && options.Logs is null) Directory.Delete(_run.Path, recursive: true);
        await output.WriteLineAsync(held ? $"all held; {_results.Count} rounds" : "BROKEN");
        return held;
    }

    /// <summary>All faults, for as long as it takes to meet each: then nothing may be left out.</summary>
    private bool IsWhole => options is { Fault: "", Without: "", Phases: "ABCD" } && options.Time >= new RunOptions().Time;

    private bool Does(char phase) => options.Phases.Contains(phase, StringComparison.Ordinal);

    private async Task<bool> FaultsAsync(CancellationToken cancellation)
    {
        var rounds = Rounds();
        var world = new WorldOptions
        {
            Run = _run,
            Seed = options.Seed,
            Clocks = faults.Any(fault => fault.Needs.HasFlag(Needs.FakeTime)),
        };
        await using var stage = await Stage.StartAsync(world, output, cancellation);
        return await HoldsAsync(stage, rounds, cancellation);
    }

    private async Task<bool> DisksAsync(CancellationToken cancellation)
    {
        var run = new RunFolder(Path.Combine(_run.Path, "D"));
        await using var disks = await SmallDisks.MountAsync(run.Path);
        var rounds = DiskFaults.All.Select((fault, n) => new Round(_results.Count + n + 1, 'D', [new Planned(fault, TimeSpan.Zero, fault.Hold)]));
        await using var stage = await Stage.StartAsync(
            new WorldOptions { Run = run, Seed = options.Seed, Disks = disks }, output, cancellation);
        return await HoldsAsync(stage, [.. rounds], cancellation);
    }

    private async Task<bool> HoldsAsync(Stage stage, List<Round> rounds, CancellationToken cancellation)
    {
        var held = await stage.Run.RunAsync(rounds, cancellation);
        _results.AddRange(stage.Run.Results);
        Findings? findings = stage.Run.Results.Count > 0 ? stage.Run.Results[^1].Findings : null;
        if (held && Does('C') && rounds.All(round => round.Phase != 'D'))
        {
            findings = await stage.Liveness.RunAsync(LivenessTime, rounds.Count + 1, cancellation);
            held = findings.Hold;
        }
        if (held) findings = await stage.Run.FinishAsync(Quiet, cancellation);
        foreach (var (name, count) in findings!.Counters) await output.WriteLineAsync($"{name}: {count}");
        var isRestored = rounds.Any(round => round.Phase == 'D');
        IReadOnlyList<string> missing = findings.Hold ? Coverage.Missing(findings.Counters, isRestored) : [];
        foreach (var name in missing) await output.WriteLineAsync($"never occurred: {name}");
        if (IsWhole && missing.Count > 0)
            findings = findings with { Broken = [new Finding("vacuous", "what never occurred was not tested", missing)] };
        if (!findings.Hold) await output.WriteLineAsync(Report.Failure(options.Seed, _results, findings, _run));
        return findings.Hold;
    }

    private List<Round> Rounds()
    {
        var rounds = new List<Round>();
        var left = options.Time - SetUp - (Does('C') ? LivenessTime : TimeSpan.Zero) - (Does('D') ? DiskTime : TimeSpan.Zero);
        if (Does('A'))
        {
            var singles = Does('B') ? left * 0.65 : left;
            rounds.AddRange(Plan.Singles(options.Seed, faults.Where(fault => fault.IsSingle), singles));
            left -= singles;
        }
        if (Does('B')) rounds.AddRange(Plan.Swarms(options.Seed, faults, left, rounds.Count + 1));
        return rounds;
    }
}

using System.Diagnostics;
using System.Globalization;
using Sync.Simulation.Mutants;
using Sync.Simulation.Worlds;

namespace Sync.Simulation.CommandLine;

/// <summary>Runs histories for a person: progress on the error stream, the result on the output.</summary>
internal sealed class SimCommand(TextWriter output, TextWriter progress)
{
    private const int Failed = 1;
    private const int WrongOptions = 2;
    private const int Interrupted = 130;

    public int Run(string[] args, CancellationToken cancellation = default)
    {
        if (args.Contains("--help", StringComparer.Ordinal))
        {
            output.WriteLine(SimOptions.Usage);
            return 0;
        }
        if (SimOptions.TryRead(args, out var options) is { } wrong)
        {
            progress.WriteLine(wrong + ". See --help.");
            return WrongOptions;
        }
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        void OnInterrupt(object? sender, ConsoleCancelEventArgs interrupt)
        {
            // The histories under way end in a moment; a second Ctrl-C ends the process at once.
            interrupt.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        }
        Console.CancelKeyPress += OnInterrupt;
        try
        {
            return options.IsCatalogue ? RunMutants(options, stop.Token) : RunHistories(options, stop.Token);
        }
        finally
        {
            Console.CancelKeyPress -= OnInterrupt;
        }
    }

    private int RunHistories(SimOptions options, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var run = new WorldRun(options.World, options.Mode, options.Mutant?.Faults ?? SimFaults.None, options.Seed);
        var failed = run.Run(
            options.Histories, options.Threads,
            done => Say($"{done} of {options.Histories} histories, {done / watch.Elapsed.TotalSeconds:F0}/s"), cancellation);
        Print($"{options.World.Name}: {run.Done} histories from seed {options.Seed}, {run.Steps} steps, "
            + Rate(run, watch));
        foreach (var (what, count) in run.Coverage.Counts) Print($"{count,11}  {what}");
        if (failed is not null)
        {
            Print($"FAILED at history {failed.Seed - options.Seed + 1}: {failed.Violation!.Message}");
            Print($"Replay: {options.Replay(failed.Seed)}");
            output.WriteLine(failed.Shrunk());
            return Failed;
        }
        if (cancellation.IsCancellationRequested)
        {
            Print($"Ended by Ctrl-C after {run.Done} histories; all of them held.");
            return Interrupted;
        }
        return Reached(options, run) ? 0 : Failed;
    }

    private static string Rate(WorldRun run, Stopwatch watch) => string.Create(CultureInfo.InvariantCulture,
        $"{watch.Elapsed.TotalSeconds:F1} s, {run.Done / watch.Elapsed.TotalSeconds:F0}/s");

    private bool Reached(SimOptions options, WorldRun run)
    {
        Print($"All invariants held{(options.Mutant is null ? "" : ": mutant " + options.Mutant.Name + " was not found")}.");
        // A few histories need not reach everything, nor those of a broken rule.
        if (options.Mutant is not null || options.Mode != SimMode.Both) return true;
        if (run.Done < options.World.HistoriesToReachAll) return true;
        var missing = options.World.Missing(run.Coverage).ToList();
        if (missing.Count > 0) Print($"FAILED: never reached: {string.Join(", ", missing)}");
        return missing.Count == 0;
    }

    private int RunMutants(SimOptions options, CancellationToken cancellation)
    {
        var missed = 0;
        foreach (var mutant in MutantCatalogue.Simulated)
        {
            var worst = 0;
            for (var round = 0; round < options.Rounds && worst >= 0; round++)
            {
                if (cancellation.IsCancellationRequested) return Interrupted;
                var found = mutant.FirstFound(MutantCatalogue.SeedOf(round), mutant.HistoriesMax);
                worst = found is { } at ? Math.Max(worst, at) : -1;
            }
            if (worst < 0) missed++;
            var shown = worst < 0 ? "NOT FOUND" : worst.ToString(CultureInfo.InvariantCulture);
            Print($"{mutant.World.Name,-12} {mutant.Name,-32} {shown,9} of {mutant.HistoriesMax,6}  {string.Join(" or ", mutant.Invariants)}");
        }
        Print($"{MutantCatalogue.Simulated.Count} mutants, {missed} not found");
        return missed == 0 ? 0 : Failed;
    }

    private void Print(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private void Print(string line) => output.WriteLine(line);

    private void Say(FormattableString line) => progress.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}

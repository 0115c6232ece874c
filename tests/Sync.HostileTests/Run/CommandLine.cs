using Sync.HostileTests.Targets;

namespace Sync.HostileTests.Run;

/// <summary>A run outside of the test runner.</summary>
internal static class CommandLine
{
    private const int GrownMax = 400;

    /// <returns>0, or 1 when something was found.</returns>
    public static int Run(Options options)
    {
        IReadOnlyList<Func<Target>> targets = options.Target is { } name ? [AllTargets.Named(name)] : AllTargets.Makers;
        if (options.Input is { } input) return One(targets[0](), input);
        var run = new HostileRun(targets, options.Seed);
        if (options.Slice is { } slice) run.RunSlice(slice);
        else run.Run(options.Inputs);
        Console.WriteLine(Report(run));
        if (options.Grow)
            foreach (var tally in run.Tallies)
                Corpus.Add(tally.Name, tally.Grown.OrderBy(bytes => bytes.Length).ThenBy(Convert.ToHexString, StringComparer.Ordinal).Take(GrownMax));
        return run.Findings.Count == 0 ? 0 : 1;
    }

    /// <summary>One line a target, and the findings.</summary>
    public static string Report(HostileRun run)
    {
        var lines = run.Tallies.Select(tally =>
            $"{tally.Name,-18} {tally.Ran,12:n0} inputs {tally.Taken,12:n0} taken {tally.Refused,12:n0} refused {tally.Grown.Count,6} new {tally.Time.TotalSeconds,7:f1} s");
        var total = run.Tallies.Sum(tally => tally.Ran);
        return string.Join('\n', [.. lines, $"{total:n0} inputs in {run.Elapsed.TotalSeconds:f1} s, {run.Findings.Count} findings", .. run.Findings.Select(found => found.Report())]);
    }

    private static int One(Target target, byte[] input)
    {
        try
        {
            var outcome = new Probe(target).Run(input);
            Console.WriteLine(outcome.IsTaken ? "taken" : $"refused: {target.Read(input)}");
            return 0;
        }
        catch (WrongAnswerException wrong)
        {
            Console.WriteLine($"{wrong.Message}\n{wrong.InnerException}");
            return 1;
        }
    }
}

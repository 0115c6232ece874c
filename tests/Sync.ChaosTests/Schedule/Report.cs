using System.Globalization;
using System.Text;
using Sync.ChaosTests.Check;

namespace Sync.ChaosTests.Schedule;

/// <summary>What a run says to people.</summary>
internal static class Report
{
    private const int FactsShown = 20;

    /// <summary>One round in one line.</summary>
    public static string Line(RoundResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{(result.Findings.Hold ? "held  " : "BROKEN")} {result.Round}; answered after {Seconds(result.Ready)}, "
        + $"converged after {Seconds(result.Findings.Convergence)}{Busy(result.Allowance)}");

    /// <summary>How long convergence took, by kind of fault: a Markdown table.</summary>
    public static string Table(IEnumerable<RoundResult> results)
    {
        var table = new StringBuilder("| fault | rounds | min | median | p90 | max | heal to all answer, max |\n|---|---|---|---|---|---|---|\n");
        foreach (var kind in results.GroupBy(result => result.Round.Kind, StringComparer.Ordinal).OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            TimeSpan[] times = [.. kind.Select(result => result.Findings.Convergence).OfType<TimeSpan>().Order()];
            table.Append(CultureInfo.InvariantCulture,
                $"| {kind.Key} | {kind.Count()} | {Seconds(At(times, 0))} | {Seconds(At(times, 0.5))} | {Seconds(At(times, 0.9))} "
                + $"| {Seconds(At(times, 1))} | {Seconds(kind.Max(result => result.Ready))} |\n");
        }
        return table.ToString();
    }

    /// <summary>Why a run did not hold, and how to do it again.</summary>
    /// <param name="seed">Of the run.</param>
    /// <param name="done">Rounds until then: the shortest prefix that fails, as every shorter one was checked and held.</param>
    /// <param name="findings">What is broken.</param>
    /// <param name="run">Where the logs are.</param>
    public static string Failure(int seed, IReadOnlyList<RoundResult> done, Findings findings, RunFolder run)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"FAILED with --seed {seed}; it held until its last round:\n");
        foreach (var result in done) text.Append(CultureInfo.InvariantCulture, $"  {Line(result)}\n");
        foreach (var finding in findings.Broken)
        {
            text.Append(CultureInfo.InvariantCulture, $"{finding.Invariant}: {finding.What}\n");
            foreach (var fact in finding.Facts.Take(FactsShown)) text.Append(CultureInfo.InvariantCulture, $"    {fact}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"Logs: {run.Path}\n");
        return text.ToString();
    }

    private static string Busy(double allowance) =>
        allowance > 1 ? string.Create(CultureInfo.InvariantCulture, $" (the machine is busy: bounds x {allowance:0.0})") : "";

    private static TimeSpan? At(TimeSpan[] sorted, double part) =>
        sorted.Length == 0 ? null : sorted[Math.Clamp((int)Math.Ceiling(part * sorted.Length) - 1, 0, sorted.Length - 1)];

    private static string Seconds(TimeSpan? time) =>
        time is { } known ? string.Create(CultureInfo.InvariantCulture, $"{known.TotalSeconds:0.00} s") : "-";
}

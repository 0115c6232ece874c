using System.Globalization;
using System.Text.Json;
using Sync.Benchmarks.Way;

namespace Sync.Benchmarks;

/// <summary>The table and the JSON that every benchmark gives: yardstick, ours, ratio, each as min/median/max over
/// the rounds; the conditions of the run beside them.</summary>
public sealed class Report(string title)
{
    private readonly List<ReportLine> _lines = [];
    private readonly SortedDictionary<string, List<double>> _facts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _conditions = new(StringComparer.Ordinal)
    {
        ["machine"] = $"{Environment.ProcessorCount} cores, load average {LoadAverage()} when it began",
    };

    public bool Passed => _lines.TrueForAll(l => l.Passed);

    public ReportLine Line(string name, string unit, double? limit, bool atLeast)
    {
        var line = new ReportLine(name, unit, limit, atLeast);
        _lines.Add(line);
        return line;
    }

    /// <summary>A number that belongs to the run but is not judged, as CPU time of a process for each operation. One
    /// per round.</summary>
    public void Fact(string name, double value)
    {
        if (!_facts.TryGetValue(name, out var values))
            _facts[name] = values = [];
        values.Add(value);
    }

    /// <summary>What the run was made under, as settings of a server, sizes of tables, the mix of keys.</summary>
    public void Condition(string name, string text) => _conditions[name] = text;

    /// <summary>The end of every benchmark: prints, writes the JSON when it is asked for, and gives the exit code: 0 when
    /// every goal was met, 1 when one was missed.</summary>
    internal async Task<int> FinishAsync(string[] args, Bed? bed = null)
    {
        if (bed is not null) await bed.DescribeAsync(this);
        Condition("load average at the end", LoadAverage());
        Print(Console.Out);
        if (Arguments.Text(args, "--json") is { } path) await WriteJsonAsync(path);
        return Passed ? 0 : 1;
    }

    private void Print(TextWriter to)
    {
        to.WriteLine(title);
        to.WriteLine($"{"",-46}{"yardstick",36}{"ours",36}{"ratio",24}  goal");
        foreach (var line in _lines)
        {
            var goal = line.Limit is { } limit ? $"{(line.AtLeast ? ">=" : "<=")} {Number(limit)} {line.Verdict}" : "";
            to.WriteLine($"{line.Name + ", " + line.Unit,-46}{Spread(line.Yardstick),36}{Spread(line.Ours),36}"
                + $"{Spread(line.Ratios),24}  {goal}");
        }

        foreach (var (name, values) in _facts)
            to.WriteLine($"  {name}: {Spread(values)}");
        foreach (var (name, text) in _conditions)
            to.WriteLine($"  {name}: {text}");
    }

    private async Task WriteJsonAsync(string path)
    {
        var json = new
        {
            title,
            conditions = _conditions,
            lines = _lines.Select(l => new
            {
                l.Name,
                l.Unit,
                l.Limit,
                l.AtLeast,
                l.Verdict,
                yardstick = Figures(l.Yardstick),
                ours = Figures(l.Ours),
                ratio = Figures(l.Ratios),
            }),
            facts = _facts.ToDictionary(f => f.Key, f => Figures(f.Value), StringComparer.Ordinal),
        };
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(json, JsonOptions));
    }

    private static readonly JsonSerializerOptions JsonOptions =
        new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private static object? Figures(IReadOnlyList<double> values) => values.Count == 0
        ? null
        : new { min = values.Min(), median = ReportLine.Median(values), max = values.Max(), rounds = values };

    private static string Spread(IReadOnlyList<double> values) => values.Count == 0
        ? "-"
        : $"{Number(values.Min())} / {Number(ReportLine.Median(values))} / {Number(values.Max())}";

    private static string Number(double value) =>
        value.ToString(Math.Abs(value) >= 100 ? "N0" : "0.##", CultureInfo.InvariantCulture);

    private static string LoadAverage() => File.ReadAllText("/proc/loadavg").Split(' ')[0];
}

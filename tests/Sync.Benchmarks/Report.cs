using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Sync.Benchmarks;

/// <summary>What is compared with what, and what must hold. <paramref name="Limit"/> is on the ratio ours /
/// yardstick, or on our value itself when there is no yardstick.</summary>
public sealed record ReportLine(string Name, string Unit, double Limit, bool AtLeast)
{
    private readonly List<double> _yardstick = [];
    private readonly List<double> _ours = [];

    public IReadOnlyList<double> Yardstick => _yardstick;

    public IReadOnlyList<double> Ours => _ours;

    /// <summary>Taken in the same round: noise hits both.</summary>
    public IReadOnlyList<double> Ratios => [.. _ours.Zip(_yardstick, (o, y) => o / y)];

    public double Judged => Median(_yardstick.Count > 0 ? Ratios : _ours);

    public bool Passed => AtLeast ? Judged >= Limit : Judged <= Limit;

    public void Add(double? yardstick, double ours)
    {
        if (yardstick is { } y)
            _yardstick.Add(y);
        _ours.Add(ours);
    }

    public static double Median(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return double.NaN;
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>The table and the JSON that every benchmark prints: yardstick, ours, ratio, each as min/median/max over
/// the rounds.</summary>
public sealed class Report(string title)
{
    private readonly List<ReportLine> _lines = [];
    private readonly SortedDictionary<string, List<double>> _facts = new(StringComparer.Ordinal);

    public bool Passed => _lines.TrueForAll(l => l.Passed);

    public ReportLine Line(string name, string unit, double limit, bool atLeast)
    {
        var line = new ReportLine(name, unit, limit, atLeast);
        _lines.Add(line);
        return line;
    }

    /// <summary>A number that belongs to the run but is not judged, as CPU seconds of a process. One per
    /// round.</summary>
    public void Fact(string name, double value)
    {
        if (!_facts.TryGetValue(name, out var values))
            _facts[name] = values = [];
        values.Add(value);
    }

    public void Print(TextWriter to)
    {
        to.WriteLine(title);
        to.WriteLine($"{"",-38}{"yardstick",30}{"ours",30}{"ratio",22}  limit");
        foreach (var line in _lines)
        {
            to.WriteLine($"{line.Name + ", " + line.Unit,-38}{Spread(line.Yardstick),30}{Spread(line.Ours),30}" +
                $"{Spread(line.Ratios),22}" +
                $"  {(line.AtLeast ? ">=" : "<=")} {Number(line.Limit)} {(line.Passed ? "ok" : "MISSED")}");
        }

        foreach (var (name, values) in _facts)
            to.WriteLine($"  {name}: {Spread(values)}");
    }

    public async Task WriteJsonAsync(string path)
    {
        var json = new
        {
            title,
            lines = _lines.Select(l => new
            {
                l.Name,
                l.Unit,
                l.Limit,
                l.AtLeast,
                l.Passed,
                yardstick = Figures(l.Yardstick),
                ours = Figures(l.Ours),
                ratio = Figures(l.Ratios),
            }),
            facts = _facts.ToDictionary(f => f.Key, f => Figures(f.Value), StringComparer.Ordinal),
        };
        await File.WriteAllTextAsync(path, JsonSerializer.Serialize(json, JsonOptions), Encoding.UTF8);
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
}

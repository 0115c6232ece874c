namespace Sync.Benchmarks;

/// <summary>What is compared with what, and what must hold. <paramref name="Limit"/> is on the ratio ours /
/// yardstick, or on our value itself when there is no yardstick; null = told and not judged.</summary>
public sealed record ReportLine(string Name, string Unit, double? Limit, bool AtLeast)
{
    private readonly List<double> _yardstick = [];
    private readonly List<double> _ours = [];

    public IReadOnlyList<double> Yardstick => _yardstick;

    public IReadOnlyList<double> Ours => _ours;

    /// <summary>Taken in the same round: noise hits both.</summary>
    public IReadOnlyList<double> Ratios => [.. _ours.Zip(_yardstick, (o, y) => o / y)];

    public double Judged => Median(_yardstick.Count > 0 ? Ratios : _ours);

    public bool Passed => Limit is not { } limit || (AtLeast ? Judged >= limit : Judged <= limit);

    /// <summary>met, missed, or empty where nothing is judged.</summary>
    public string Verdict => Limit is null ? "" : Passed ? "met" : "MISSED";

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

namespace Sync.Benchmarks.Way;

/// <summary>Times of one round, in microseconds.</summary>
internal sealed class Latencies
{
    private readonly List<double> _micros = [];
    private bool _isSorted;

    public int Count => _micros.Count;

    public void Add(TimeSpan time)
    {
        _micros.Add(time.TotalMicroseconds);
        _isSorted = false;
    }

    public double Percentile(double share)
    {
        if (!_isSorted) _micros.Sort();
        _isSorted = true;
        return _micros.Count == 0 ? double.NaN : _micros[(int)((_micros.Count - 1) * share)];
    }
}

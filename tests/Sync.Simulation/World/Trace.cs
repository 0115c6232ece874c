using System.Globalization;
using System.Text;

namespace Sync.Simulation;

/// <summary>What happened, in order: a hash of all of it (the same seed gives the same hash) and the last lines for
/// people.</summary>
internal sealed class Trace(Schedule schedule)
{
    private const int LinesMax = 80;
    private readonly Queue<(TimeSpan At, string What, long A, long B, long C)> _last = new(LinesMax + 1);

    public ulong Hash { get; private set; } = 14695981039346656037;

    public void Add(string what, long a = 0, long b = 0, long c = 0)
    {
        foreach (var unit in what) Mix(unit);
        Mix((ulong)schedule.Now.Ticks);
        Mix((ulong)a);
        Mix((ulong)b);
        Mix((ulong)c);
        _last.Enqueue((schedule.Now, what, a, b, c));
        if (_last.Count > LinesMax) _last.Dequeue();
    }

    public string Tail()
    {
        var text = new StringBuilder();
        foreach (var (at, what, a, b, c) in _last)
            text.Append(CultureInfo.InvariantCulture, $"  {at.TotalMilliseconds,10:F3} ms  {what} {a} {b} {c}\n");
        return text.ToString();
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * 1099511628211;
}

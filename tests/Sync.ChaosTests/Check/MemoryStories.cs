namespace Sync.ChaosTests.Check;

/// <summary>How much memory the processes held (R12).</summary>
internal sealed class MemoryStories
{
    /// <summary>What a service may hold at most under this load: start-up, heaps of a collected runtime on two cores,
    /// and room.</summary>
    public const long KilobytesMax = 512 * 1024;

    private readonly Dictionary<string, (long Max, long Time)> _peaks = new(StringComparer.Ordinal);

    /// <summary>A line <c>rss</c>: name, kb.</summary>
    public void Take(LogLine line)
    {
        if (line.Kind == "rss" && line.Kilobytes > _peaks.GetValueOrDefault(line.Name).Max)
            _peaks[line.Name] = (line.Kilobytes, line.Time);
    }

    public void Check(FindingList findings, IDictionary<string, long> counters)
    {
        foreach (var (name, (max, time)) in _peaks)
        {
            counters[$"peak MiB of {name}"] = max / 1024;
            if (max > KilobytesMax)
                findings.Add("R12", "a process held more memory than its bound",
                    $"{name} at {time}: {max} KiB of {KilobytesMax}");
        }
    }
}

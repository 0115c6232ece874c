namespace Sync.ChaosTests.Check;

/// <summary>All logs of a run, folded into what the rules need; read on from call to call.</summary>
internal sealed class Logs(RunFolder run)
{
    private readonly Dictionary<string, LogTail> _tails = new(StringComparer.Ordinal);
    private readonly Sightings _sightings = new();
    private readonly FeedStories _feeds = new();
    private readonly MemoryStories _memory = new();
    private readonly Dictionary<long, long> _histories = [];
    private long _latest;

    public WriteStories Writes { get; } = new();

    public HeldStories Held { get; } = new();

    /// <summary>When the last fault was over and all processes answered; null = never yet.</summary>
    public long? Ready { get; private set; }

    public void ReadOn()
    {
        foreach (var file in Directory.EnumerateFiles(run.Path, "*.ndjson").Order(StringComparer.Ordinal))
        {
            if (!_tails.TryGetValue(file, out var tail)) _tails[file] = tail = new LogTail(file);
            tail.ReadOn(line => Take(Path.GetFileNameWithoutExtension(file), line));
        }
    }

    /// <summary>Takes a line of the log with that name, e.g. <c>client-0</c>.</summary>
    public void Take(string file, LogLine line)
    {
        _latest = Math.Max(_latest, line.Time);
        if (line.History != 0)
            _histories[line.History] = Math.Min(line.Time, _histories.GetValueOrDefault(line.History, long.MaxValue));
        switch (file.Split('-')[0])
        {
            case "client":
                Writes.Take(file, line);
                if (line.Kind == "ok") _sightings.Take(file, line, line.Hash);
                break;
            case "raw":
                _sightings.TakeRaw(file, line);
                break;
            case "feed":
                _feeds.Take(file, line);
                if (line.Kind == "change") _sightings.Take(file, line, line.Hash);
                break;
            case "replica":
                Held.TakeReplica(file, line);
                break;
            case "sse":
                Held.TakeStream(file, line);
                break;
            case "memory":
                _memory.Take(line);
                break;
            case "faults" when line.Phase == "ready":
                Ready = line.Time;
                break;
        }
    }

    /// <summary>Every rule but R6.</summary>
    public void Check(LedgerFacts facts, FindingList findings, IDictionary<string, long> counters)
    {
        Writes.Check(facts, findings, counters);
        _sightings.Check(facts, findings, counters);
        long? began = _histories.TryGetValue(facts.History, out var first) ? first : null;
        _feeds.Check(facts.History, began, _latest, findings, counters);
        Held.Check(facts, findings, counters);
        _memory.Check(findings, counters);
    }
}

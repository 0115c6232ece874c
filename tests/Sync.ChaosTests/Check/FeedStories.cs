namespace Sync.ChaosTests.Check;

/// <summary>What readers of the changefeed were sent: one run without a hole, over all connections, until a reset
/// (R3). Who comes back with a cursor of a history that is no more is told so (R12).</summary>
internal sealed class FeedStories
{
    /// <summary>A reset is the first thing on a connection: readers that come back for so long were not told.</summary>
    private static readonly long ToldWithin = (long)TimeSpan.FromSeconds(5).TotalMicroseconds;

    private readonly Dictionary<(string File, int Feed), Run> _runs = [];
    private readonly Dictionary<(string File, int Feed), List<long>> _openedInVain = [];
    private readonly List<long> _toldOf = [];
    private readonly FindingList _broken = new();
    private long _resets, _connections, _changes;

    public void Take(string file, LogLine line)
    {
        if (line.Kind == "start")
        {
            foreach (var ended in _runs.Keys.Where(run => run.File == file).ToList())
            {
                _runs.Remove(ended);
                _openedInVain.Remove(ended);
            }
            return;
        }
        if (line.Kind is not ("open" or "change" or "moved" or "reset" or "dropped")) return;
        var name = (file, line.Feed);
        var run = _runs.GetValueOrDefault(name);
        if (line.Kind != "open") _openedInVain.Remove(name);
        else if (!_openedInVain.TryAdd(name, [line.Time])) _openedInVain[name].Add(line.Time);
        _runs[name] = line.Kind switch
        {
            "open" => Open(file, line, run),
            "change" => Change(file, line, run),
            "moved" => Moved(file, line, run),
            "dropped" => Dropped(file, line, run),
            _ => Reset(run),
        };
    }

    /// <summary>Looks at the runs as they stand.</summary>
    /// <param name="history">The ledger's.</param>
    /// <param name="began">When anybody was first shown that history; null = nobody was yet.</param>
    /// <param name="latest">The newest line of any log.</param>
    /// <param name="findings">Gets what is broken.</param>
    /// <param name="counters">Gets what occurred.</param>
    public void Check(
        long history, long? began, long latest, FindingList findings, IDictionary<string, long> counters)
    {
        findings.AddAll(_broken);
        foreach (var ((file, feed), run) in _runs)
        {
            var isOld = run.Last > 0 && run.History != history;
            if (!isOld || !_openedInVain.TryGetValue((file, feed), out var opened)) continue;
            if (opened.Find(time => time > began && time + ToldWithin < latest) is > 0 and var time)
                findings.Add("R12", "a changefeed did not tell a reader of an old history to begin anew",
                    $"{file} {time} feed {feed}: came back behind {run.History}-{run.Last}, the history is {history}");
        }
        (counters["changefeed connections"], counters["changefeed resets"], counters["changefeed changes"]) = (
            _connections, _resets, _changes);
        counters["changefeeds told of another history"] = _toldOf.Count(old => old != history);
    }

    private Run Open(string file, LogLine line, Run run)
    {
        _connections++;
        if (line.Cursor.Length == 0)
        {
            if (run.Last > 0) Break("a reader began anew without a reset", file, line, run);
            return default;
        }
        if (line.Cursor != $"{line.Feed}-{run.History}-{run.Last}")
            Break("a reader went on from another cursor than its last", file, line, run);
        return run;
    }

    private Run Change(string file, LogLine line, Run run)
    {
        _changes++;
        if (run.Last > 0 && line.History != run.History)
            Break("a changefeed went over to another history without a reset", file, line, run);
        else if (run.Last > 0 && line.Position > run.Last + 1) Break("a changefeed left out positions", file, line, run);
        else if (run.Last > 0 && line.Position <= run.Last) Break("a changefeed went back", file, line, run);
        if (line.Behind != line.Position) Break("the cursor of a change is not its position", file, line, run);
        return new Run(line.History, line.Position);
    }

    private Run Moved(string file, LogLine line, Run run)
    {
        if (run.Last > 0 && line.History != run.History)
            Break("a changefeed went over to another history without a reset", file, line, run);
        else if (run.Last > 0 && line.Position != run.Last)
            Break("a cursor moved over positions that were not sent", file, line, run);
        return new Run(line.History, line.Position);
    }

    private Run Dropped(string file, LogLine line, Run run)
    {
        Break("a reader that takes all was dropped to the latest", file, line, run);
        return default;
    }

    private Run Reset(Run run)
    {
        _resets++;
        if (run.Last > 0) _toldOf.Add(run.History);
        return default;
    }

    private void Break(string what, string file, LogLine line, Run run) => _broken.Add("R3", what,
        $"{file} {line.Time} connection {line.Connection} feed {line.Feed}: {line.Kind} {line.Cursor}{line.History}-{line.Position} after {run.History}-{run.Last}");

    private readonly record struct Run(long History, long Last);
}

namespace Sync.ChaosTests.Check;

/// <summary>What readers of the changefeed were sent: one run without a hole, over all connections, until a reset
/// (R3).</summary>
internal sealed class FeedStories
{
    private readonly Dictionary<(string File, int Feed), Run> _runs = [];
    private readonly FindingList _broken = new();
    private long _resets, _connections, _changes;

    public void Take(string file, LogLine line)
    {
        if (line.Kind == "start")
        {
            foreach (var name in _runs.Keys.Where(run => run.File == file).ToList()) _runs.Remove(name);
            return;
        }
        if (line.Kind is not ("open" or "change" or "moved" or "reset" or "dropped")) return;
        var run = _runs.GetValueOrDefault((file, line.Feed));
        _runs[(file, line.Feed)] = line.Kind switch
        {
            "open" => Open(file, line, run),
            "change" => Change(file, line, run),
            "moved" => Moved(file, line, run),
            "dropped" => Dropped(file, line, run),
            _ => Reset(),
        };
    }

    public void Check(FindingList findings, IDictionary<string, long> counters)
    {
        findings.AddAll(_broken);
        (counters["changefeed connections"], counters["changefeed resets"], counters["changefeed changes"]) = (
            _connections, _resets, _changes);
    }

    private Run Open(string file, LogLine line, Run run)
    {
        _connections++;
        if (line.Cursor.Length == 0) return default;
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
        if (run.Last > 0 && line.Position != run.Last)
            Break("a cursor moved over positions that were not sent", file, line, run);
        return new Run(line.History, line.Position);
    }

    private Run Dropped(string file, LogLine line, Run run)
    {
        Break("a reader that takes all was dropped to the latest", file, line, run);
        return default;
    }

    private Run Reset()
    {
        _resets++;
        return default;
    }

    private void Break(string what, string file, LogLine line, Run run) => _broken.Add("R3", what,
        $"{file} {line.Time} connection {line.Connection} feed {line.Feed}: {line.Kind} {line.Cursor}{line.History}-{line.Position} after {run.History}-{run.Last}");

    private readonly record struct Run(long History, long Last);
}

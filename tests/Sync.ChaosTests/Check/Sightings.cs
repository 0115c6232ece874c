namespace Sync.ChaosTests.Check;

/// <summary>Which fact each reader saw at each place (R2), and what the raw subscriber was sent (R1).</summary>
internal sealed class Sightings
{
    // Between an arrival and the line in the log, and between a lost connection and the line that tells of it.
    private static readonly long Slack = (long)TimeSpan.FromSeconds(2).TotalMicroseconds;
    private readonly Dictionary<(long History, int Feed, long Position), Seen> _seen = [];
    private readonly List<long> _gaps = [];
    private readonly FindingList _broken = new();
    private long _beats;

    /// <summary>A fact at a place, in any log; <paramref name="hash"/> null = the line has none.</summary>
    public void Take(string file, LogLine line, ulong? hash, bool isRaw = false)
    {
        if (line.Position == 0) return;
        var place = (line.History, line.Feed, line.Position);
        if (!_seen.TryGetValue(place, out var seen)) seen = new Seen(line.Fact, hash, 0);
        if (seen.Fact != line.Fact)
            _broken.Add("R2", "two facts were seen at one position",
                $"{file} {line.Time}: {line.Feed}-{line.History}-{line.Position} {line.Fact}, not {seen.Fact}");
        else if (hash is not null && seen.Hash is not null && hash != seen.Hash)
            _broken.Add("R2", "two values were seen at one position",
                $"{file} {line.Time}: {line.Feed}-{line.History}-{line.Position} {hash:x16}, not {seen.Hash:x16}");
        _seen[place] = seen with { Hash = seen.Hash ?? hash, RawAt = isRaw && seen.RawAt == 0 ? line.Time : seen.RawAt };
    }

    /// <summary>A line of the raw subscriber.</summary>
    public void TakeRaw(string file, LogLine line)
    {
        if (line.Kind == "env") Take(file, line, line.Hash, isRaw: true);
        else if (line.Kind is "gap" or "start") _gaps.Add(line.Time);
        else if (line.Kind == "beat") _beats++;
        else if (line.Kind == "bad") _broken.Add(
            "R1", "bytes on the broker that are no envelope of ours", $"{line.Time} {line.Why}");
    }

    public void Check(LedgerFacts facts, FindingList findings, IDictionary<string, long> counters)
    {
        findings.AddAll(_broken);
        foreach (var ((history, feed, position), seen) in _seen)
        {
            if (history != facts.History) continue;
            var fact = facts.At(feed, position);
            if (fact is null || fact.Id != seen.Fact)
                findings.Add("R2", "a fact was shown that the ledger does not have there",
                    $"{feed}/{position} {seen.Fact}; there: {fact?.ToString() ?? "nothing"}");
            else if (seen.Hash is { } hash && hash != fact.Hash)
                findings.Add("R2", "a value was shown that the ledger does not have there", $"{hash:x16}; there: {fact}");
        }
        counters["beats"] = _beats;
        counters["published unseen by the raw subscriber"] = facts.Feeds.Sum(feed => Unseen(facts, feed, findings));
    }

    // What the subscriber was not sent lies between two arrivals; it must have lost messages in between.
    private long Unseen(LedgerFacts facts, int feed, FindingList findings)
    {
        var (unseen, run) = (0L, 0);
        var before = 0L;
        foreach (var fact in facts.Of(feed))
        {
            var at = _seen.TryGetValue((facts.History, feed, fact.Position), out var seen) ? seen.RawAt : 0;
            if (at == 0)
            {
                run++;
                continue;
            }
            // In a new history the copied past is not published again: nothing was sent before its first arrival.
            if (run > 0 && before > 0)
            {
                unseen += run;
                var (from, to) = (Math.Min(before, at) - Slack, Math.Max(before, at) + Slack);
                if (!_gaps.Exists(gap => gap >= from && gap <= to))
                    findings.Add("R1", "committed facts were never published",
                        $"{run} facts of feed {feed} up to {fact.Position - 1}, none lost on the way");
            }
            (run, before) = (0, at);
        }
        return unseen;
    }

    private readonly record struct Seen(Guid Fact, ulong? Hash, long RawAt);
}

using Sync.ChaosTests.Clients;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>What readers of replicas saw of each key (R5), and when they first saw it (for R6).</summary>
internal sealed class HeldStories
{
    /// <summary>An event stream has no schema: it takes every map.</summary>
    private const long All = long.MaxValue;

    private readonly Dictionary<(string File, string Reader), ReaderStory> _readers = [];
    private readonly Dictionary<(long History, SyncedKey Key, long Sequence),
        (ulong Hash, long Knows, string Where)> _values = [];
    private readonly Dictionary<(string File, string Name), long> _counts = [];
    private readonly HashSet<long> _histories = [];
    private readonly FindingList _broken = new();
    private long _streamResets, _cuts, _streams;

    /// <summary>A line of a replica's reader.</summary>
    public void TakeReplica(string file, LogLine line)
    {
        switch (line.Kind)
        {
            case "start":
                foreach (var name in _readers.Keys.Where(reader => reader.File == file).ToList()) _readers.Remove(name);
                break;
            case "open":
                var knows = line.Numbers.GetValueOrDefault("major", ChaosValue.OldMajor);
                foreach (var reader in new[] { "key", "list" })
                    _readers.TryAdd((file, reader), new ReaderStory($"{file} {reader}", reader == "list", knows));
                break;
            case "held":
                Held(file, line);
                break;
            case "refused":
                ReaderOf(file, line.Reader).Of(line.Key).Refuse(line.Time, line.Sequence);
                break;
            case "status" when line.Reader == "list":
                ReaderOf(file, line.Reader).Status = line.Numbers["status"];
                break;
            case "status":
                ReaderOf(file, line.Reader).Of(line.Key).Stand(line.Time, line.Numbers["status"]);
                break;
            case "fresh":
                Claims.Take(ReaderOf(file, "list"), line);
                break;
            case "counters":
                foreach (var (name, count) in line.Numbers) _counts[(file, name)] = count;
                break;
        }
    }

    /// <summary>A line of a reader of an event stream: whatever is shown must be a fact; the gate there takes any
    /// map.</summary>
    public void TakeStream(string file, LogLine line)
    {
        if (line.Kind == "reset") _streamResets++;
        else if (line.Kind == "cut") _cuts++;
        else if (line.Kind == "open") _streams++;
        else if (line.Kind == "put" && line.Hash is { } hash) Remember(file, line, hash, All);
    }

    public Claims Claims { get; } = new();

    /// <summary>True when a value of another history was shown, too.</summary>
    public bool SawOtherHistory(long history) => _histories.Any(seen => seen != history);

    /// <summary>The readers of replicas that are open.</summary>
    public IEnumerable<ReaderStory> Readers => _readers.Values;

    /// <summary>What was shown before a moment is not asked for again; the last of each key stays.</summary>
    public void Trim(long before)
    {
        foreach (var story in _readers.Values.SelectMany(reader => reader.Keys.Values)) story.Trim(before);
    }

    public void Check(LedgerFacts facts, FindingList findings, IDictionary<string, long> counters)
    {
        findings.AddAll(_broken);
        Claims.Count(counters);
        foreach (var ((history, key, sequence), shown) in _values)
            if (history == facts.History) Check(facts, key, sequence, shown, findings);
        foreach (var group in _counts.GroupBy(count => count.Key.Name, StringComparer.Ordinal))
            counters[group.Key] = group.Sum(count => count.Value);
        (counters["stream connections"], counters["stream resets"], counters["slow stream cut"]) = (
            _streams, _streamResets, _cuts);
    }

    private static void Check(
        LedgerFacts facts, SyncedKey key, long sequence, (ulong Hash, long Knows, string Where) shown,
        FindingList findings)
    {
        var fact = facts.At(key, sequence);
        if (fact is null || fact.Hash != shown.Hash || fact.Op == ChangeOp.Delete)
            findings.Add("R5", "a reader was shown a value that is no fact",
                $"{shown.Where}: {key} sequence {sequence} hash {shown.Hash:x16}; there: {fact?.ToString() ?? "nothing"}");
        else if (shown.Knows != All && !fact.PassesGates(shown.Knows))
            findings.Add("R5", "a reader was shown a value that fails a gate",
                $"{shown.Where}, knows majors up to {shown.Knows}: major {fact.Major} {fact}");
    }

    private void Held(string file, LogLine line)
    {
        var reader = ReaderOf(file, line.Reader);
        var story = reader.Of(line.Key);
        // A list that does not have a record does not say of which sequence, and what was never written has no history.
        var isKnown = line.History != 0 && !(line.IsGone && line.Reader == "list");
        if (isKnown && story.Take(line.History, line.Sequence, line.Hash) is { } wrong)
            _broken.Add("R5", wrong,
                $"{file} {line.Time} {line.Reader}: {line.Key} sequence {line.Sequence} hash {line.Hash:x16} of {line.History} after {story}");
        if (line.History != 0) _histories.Add(line.History);
        story.Show(line.Time, line.Sequence, line.IsGone);
        if (line.Hash is { } hash && !line.IsGone) Remember(file, line, hash, reader.Knows);
    }

    private ReaderStory ReaderOf(string file, string name) =>
        _readers.TryGetValue((file, name), out var reader) ? reader
            : _readers[(file, name)] = new ReaderStory($"{file} {name}", name == "list", ChaosValue.OldMajor);

    private void Remember(string file, LogLine line, ulong hash, long knows)
    {
        var name = (line.History, line.Key, line.Sequence);
        if (!_values.TryGetValue(name, out var known)) _values[name] = (hash, knows, $"{file} {line.Time}");
        else if (known.Hash != hash)
            _broken.Add("R5", "two values were shown for one sequence",
                $"{file} {line.Time}: {line.Key} sequence {line.Sequence}: {hash:x16}, and {known.Hash:x16} at {known.Where}");
        else if (knows < known.Knows) _values[name] = (hash, knows, $"{file} {line.Time}");
    }
}

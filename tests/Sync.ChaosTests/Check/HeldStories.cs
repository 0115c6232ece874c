using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>What readers of replicas saw of each key (R5), and when they first saw it (for R6).</summary>
internal sealed class HeldStories
{
    private readonly Dictionary<(string File, string Reader), Dictionary<SyncedKey, KeyStory>> _readers = [];
    private readonly Dictionary<(long History, SyncedKey Key, long Sequence),
        (ulong Hash, bool IsTyped, string Where)> _values = [];
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
                foreach (var reader in new[] { "key", "list" }) _readers.TryAdd((file, reader), []);
                break;
            case "held":
                Held(file, line);
                break;
            case "fresh":
                Claims.Take(file, line);
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
        else if (line.Kind == "put" && line.Hash is { } hash) Remember(file, line, hash, isTyped: false);
    }

    public Claims Claims { get; } = new();

    /// <summary>True when a value of another history was shown, too.</summary>
    public bool SawOtherHistory(long history) => _histories.Any(seen => seen != history);

    /// <summary>The readers of replicas that are open.</summary>
    public IEnumerable<(string Name, bool IsList, IReadOnlyDictionary<SyncedKey, KeyStory> Keys)> Readers =>
        _readers.Select(reader => ($"{reader.Key.File} {reader.Key.Reader}", reader.Key.Reader == "list",
            (IReadOnlyDictionary<SyncedKey, KeyStory>)reader.Value));

    /// <summary>What was shown before a moment is not asked for again; the last of each key stays.</summary>
    public void Trim(long before)
    {
        foreach (var story in _readers.Values.SelectMany(keys => keys.Values)) story.Trim(before);
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
        LedgerFacts facts, SyncedKey key, long sequence, (ulong Hash, bool IsTyped, string Where) shown, FindingList findings)
    {
        var fact = facts.At(key, sequence);
        if (fact is null || fact.Hash != shown.Hash || fact.Op == ChangeOp.Delete)
            findings.Add("R5", "a reader was shown a value that is no fact",
                $"{shown.Where}: {key} sequence {sequence} hash {shown.Hash:x16}; there: {fact?.ToString() ?? "nothing"}");
        else if (shown.IsTyped && !fact.PassesGates)
            findings.Add("R5", "a reader was shown a value that fails a gate", $"{shown.Where}: {fact}");
    }

    private void Held(string file, LogLine line)
    {
        if (!_readers.TryGetValue((file, line.Reader), out var keys)) _readers[(file, line.Reader)] = keys = [];
        if (!keys.TryGetValue(line.Key, out var story)) keys[line.Key] = story = new KeyStory();
        // A list that does not have a record does not say of which sequence, and what was never written has no history.
        var isKnown = line.History != 0 && !(line.IsGone && line.Reader == "list");
        if (isKnown && story.Take(line.History, line.Sequence, line.Hash) is { } wrong)
            _broken.Add("R5", wrong,
                $"{file} {line.Time} {line.Reader}: {line.Key} sequence {line.Sequence} hash {line.Hash:x16} of {line.History} after {story}");
        if (line.History != 0) _histories.Add(line.History);
        story.Show(line.Time, line.Sequence, line.IsGone);
        if (line.Hash is { } hash && !line.IsGone) Remember(file, line, hash, isTyped: true);
    }

    private void Remember(string file, LogLine line, ulong hash, bool isTyped)
    {
        var name = (line.History, line.Key, line.Sequence);
        if (!_values.TryGetValue(name, out var known)) _values[name] = (hash, isTyped, $"{file} {line.Time}");
        else if (known.Hash != hash)
            _broken.Add("R5", "two values were shown for one sequence",
                $"{file} {line.Time}: {line.Key} sequence {line.Sequence}: {hash:x16}, and {known.Hash:x16} at {known.Where}");
        else if (isTyped && !known.IsTyped) _values[name] = known with { IsTyped = true };
    }
}

/// <summary>What one reader saw of one key.</summary>
internal sealed class KeyStory
{
    private readonly List<(long Time, long Sequence, bool IsGone)> _shown = [];
    private readonly HashSet<long> _left = [];
    private long _history, _sequence;
    private ulong? _hash;

    /// <summary>Oldest first, back to the last trim.</summary>
    public IReadOnlyList<(long Time, long Sequence, bool IsGone)> Shown => _shown;

    /// <summary>What was shown at a moment; null = nothing yet.</summary>
    public (long Sequence, bool IsGone)? At(long time)
    {
        var last = _shown.FindLastIndex(shown => shown.Time <= time);
        return last < 0 ? null : (_shown[last].Sequence, _shown[last].IsGone);
    }

    public void Show(long time, long sequence, bool isGone) => _shown.Add((time, sequence, isGone));

    /// <summary>What is wrong with what was seen next; null = nothing.</summary>
    public string? Take(long history, long sequence, ulong? hash)
    {
        var wrong = history != _history && _left.Contains(history) ? "a reader was shown an old history after a new one"
            : history == _history && sequence < _sequence ? "a sequence went back"
            : history == _history && sequence == _sequence && hash != _hash && _hash is not null && hash is not null
                ? "one sequence had two values"
            : null;
        if (history != _history) _left.Add(_history);
        (_history, _sequence, _hash) = (history, sequence, hash);
        return wrong;
    }

    public void Trim(long before)
    {
        var last = _shown.FindLastIndex(shown => shown.Time <= before);
        if (last > 0) _shown.RemoveRange(0, last);
    }

    public override string ToString() => $"sequence {_sequence} hash {_hash:x16} of {_history}";
}

using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>What the load clients were told of each write (R1, R4).</summary>
internal sealed class WriteStories
{
    private readonly Dictionary<(string Vault, string Id), Story> _stories = [];
    private readonly Dictionary<(string File, long Attempt), Attempt> _open = [];
    private readonly List<(long Time, long Micros)> _latencies = [];
    private readonly FindingList _broken = new();
    private long _unknown, _refused, _notNow, _replayed, _reusesRefused;

    /// <summary>A line of a client's log.</summary>
    public void Take(string file, LogLine line)
    {
        switch (line.Kind)
        {
            case "start": Forget(file); break;
            case "invoke": Invoke(file, line); break;
            case "ok" or "fail" or "unknown" when _open.Remove((file, line.Attempt), out var attempt):
                End(attempt, line);
                break;
        }
    }

    /// <summary>The last sequence of each key that was acknowledged before a moment, of one history.</summary>
    public Dictionary<SyncedKey, long> AcknowledgedBefore(long time, long history)
    {
        var heads = new Dictionary<SyncedKey, long>();
        foreach (var story in _stories.Values)
            if (story.Receipt is { } seen && seen.History == history && seen.Time <= time
                && seen.Sequence > heads.GetValueOrDefault(seen.Key))
                heads[seen.Key] = seen.Sequence;
        return heads;
    }

    /// <summary>The time from call to receipt that 99 of 100 acknowledged writes kept between two moments; null = too
    /// few.</summary>
    public TimeSpan? P99(long from, long to)
    {
        var took = _latencies.Where(one => one.Time >= from && one.Time <= to).Select(one => one.Micros).Order().ToList();
        return took.Count < 100 ? null : TimeSpan.FromMicroseconds(took[took.Count * 99 / 100]);
    }

    /// <summary>Compares all stories with the ledger.</summary>
    public void Check(LedgerFacts facts, FindingList findings, IDictionary<string, long> counters)
    {
        findings.AddAll(_broken);
        var kept = new RestoredPast(facts, _stories.Values, _open.Values.Select(attempt => attempt.Story));
        var (committed, lost, notCommitted) = (0L, 0L, 0L);
        foreach (var ((vault, id), story) in _stories)
        {
            var fact = facts.ById(vault, id);
            if (fact is not null && fact.Hash != story.Hash)
                findings.Add("R1", "a fact has another value than was written", $"{story} {fact}");
            if (story.Receipt is { } receipt)
            {
                if (!kept.Covers(receipt)) lost++;
                else CheckAcknowledged(story, receipt, facts, findings);
            }
            else if (fact is not null && story.IsRefused && !story.WasUnknown)
                findings.Add("R1", "a refused write is in the ledger", $"{story} {fact}");
            if (story.WasUnknown && fact is not null) committed++;
            if (story.WasUnknown && fact is null) notCommitted++;
        }
        foreach (var feed in facts.Feeds)
            foreach (var fact in facts.Of(feed))
                if (fact.Position <= facts.SettledHead(feed) && Load.Vaults.Contains(fact.Key.Vault, StringComparer.Ordinal)
                    && (fact.IdempotencyKey is null || !_stories.ContainsKey((fact.Key.Vault, fact.IdempotencyKey))))
                    findings.Add("R1", "a fact that nobody wrote", fact.ToString());
        foreach (var (name, count) in new[]
        {
            ("writes", _stories.Count), ("unknown outcome", _unknown), ("unknown, then committed", committed),
            ("unknown, never committed", notCommitted),
            ("refused", _refused), ("refused for now", _notNow), ("answered by a first receipt", _replayed),
            ("other value under a used key refused", _reusesRefused), ("lost by a restore", lost),
        })
            counters[name] = count;
    }

    private void Invoke(string file, LogLine line)
    {
        var name = (line.Key.Vault, line.Id);
        if (!_stories.TryGetValue(name, out var story)) _stories[name] = story = new Story(line.Id, line.Key, line.Hash ?? 0);
        _open[(file, line.Attempt)] = new Attempt(story, line.Time, line.Must, line.Reuse, line.Hash ?? 0);
    }

    private void End(Attempt attempt, LogLine line)
    {
        var story = attempt.Story;
        if (attempt.Reuse) EndReuse(attempt, line);
        else if (line.Kind == "ok") Acknowledge(attempt, line);
        else if (line.Kind == "unknown")
        {
            story.WasUnknown = true;
            _unknown++;
        }
        else if (line.IsPassing) _notNow++;
        else
        {
            _refused++;
            story.IsRefused = true;
            if (attempt.Must && !line.IsExcused)
                _broken.Add("R4", "a write was refused for good that must not be",
                    $"{line.Time} {story} {line.Code}: {line.Why}");
            if (story.Receipt is not null && !line.IsExcused)
                _broken.Add("R4", "a write was refused after its receipt", $"{line.Time} {story} {line.Code}: {line.Why}");
        }
    }

    private void Acknowledge(Attempt attempt, LogLine line)
    {
        var story = attempt.Story;
        var seen = new SeenReceipt(
            line.Time, line.Key, line.Fact, line.Feed, line.History, line.Position, line.Sequence, line.IsReplayed);
        if (line.IsReplayed) _replayed++;
        else _latencies.Add((line.Time, line.Time - attempt.Began));
        if (line.Hash != story.Hash) _broken.Add("R1", "a receipt is of another value", $"{story} {seen}");
        if (story.Key.Key.Length > 0 ? line.Key != story.Key : line.Key.Vault != story.Key.Vault)
            _broken.Add("R1", "a receipt is about another key", $"{story} {seen}");
        if (story.Receipt is not { } first || first.History != seen.History) story.Receipt = seen;
        else if ((first.Fact, first.Position, first.Sequence) != (seen.Fact, seen.Position, seen.Sequence))
            _broken.Add("R4", "two receipts of one idempotency key differ", $"{story} {first} and {seen}");
    }

    private void EndReuse(Attempt attempt, LogLine line)
    {
        if (line.Kind == "ok" && line.Hash == attempt.Hash && attempt.Hash != attempt.Story.Hash)
            attempt.Story.Reuses.Add((attempt.Hash, line.History, $"{attempt.Story} got a receipt for {line.Fact}"));
        if (line.Kind == "fail" && line.Code is "idempotency-key-reused" or "IdempotencyKeyReused") _reusesRefused++;
    }

    private static void CheckAcknowledged(Story story, SeenReceipt receipt, LedgerFacts facts, FindingList findings)
    {
        var fact = facts.At(receipt.Feed, receipt.Position);
        if (fact is null || fact.Id != receipt.Fact || fact.Sequence != receipt.Sequence || fact.Key != receipt.Key)
            findings.Add("R1", "an acknowledged write is not in the ledger",
                $"{story} {receipt}; there: {fact?.ToString() ?? "nothing"}");
        foreach (var (_, history, what) in story.Reuses)
            if (history == receipt.History) findings.Add("R4", "another value was taken under a used idempotency key", what);
    }

    // A process that was killed wrote no ends: its outcomes are unknown.
    private void Forget(string file)
    {
        foreach (var (name, attempt) in _open.Where(open => open.Key.File == file).ToList())
        {
            _open.Remove(name);
            attempt.Story.WasUnknown = true;
        }
    }

    private sealed record Attempt(Story Story, long Began, bool Must, bool Reuse, ulong Hash);
}

/// <summary>All that is known of one idempotency key.</summary>
internal sealed class Story(string id, SyncedKey key, ulong hash)
{
    public string Id { get; } = id;

    public SyncedKey Key { get; } = key;

    public ulong Hash { get; } = hash;

    /// <summary>The first receipt of the newest history.</summary>
    public SeenReceipt? Receipt { get; set; }

    public bool IsRefused { get; set; }

    public bool WasUnknown { get; set; }

    public List<(ulong Hash, long History, string What)> Reuses { get; } = [];

    public override string ToString() => $"{Id} {Key} hash {Hash:x16}";
}

/// <summary>A receipt in a client's log.</summary>
internal readonly record struct SeenReceipt(
    long Time, SyncedKey Key, Guid Fact, int Feed, long History, long Position, long Sequence, bool IsReplayed)
{
    public override string ToString() => $"receipt {Feed}-{History}-{Position} {Key} sequence {Sequence} fact {Fact}";
}

/// <summary>How far a restored copy of the ledger went: its new history begins behind that, and what older histories
/// acknowledged beyond it is gone, as their id tells every reader.</summary>
internal sealed class RestoredPast
{
    private readonly Dictionary<int, long> _newFrom = [];
    private readonly LedgerFacts _facts;

    /// <param name="facts">The ledger as it is now.</param>
    /// <param name="stories">All.</param>
    /// <param name="open">Those with an attempt under way: its fact may be the first of the new history, and the
    /// receipt on its way.</param>
    public RestoredPast(LedgerFacts facts, IEnumerable<Story> stories, IEnumerable<Story> open)
    {
        _facts = facts;
        foreach (var story in stories)
            if (story.Receipt is { IsReplayed: false } seen && seen.History == facts.History)
                BeginsBy(seen.Feed, seen.Position);
        foreach (var story in open)
            if (story.Receipt is null && facts.ById(story.Key.Vault, story.Id) is { } fact)
                BeginsBy(fact.Feed, fact.Position);
    }

    /// <summary>False when a restore took it away.</summary>
    public bool Covers(SeenReceipt receipt) => receipt.History == _facts.History
        || receipt.Position < _newFrom.GetValueOrDefault(receipt.Feed, _facts.Head(receipt.Feed) + 1);

    private void BeginsBy(int feed, long position) =>
        _newFrom[feed] = Math.Min(position, _newFrom.GetValueOrDefault(feed, long.MaxValue));
}

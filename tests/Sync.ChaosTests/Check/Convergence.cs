using Sync.ChaosTests.Clients;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>When every reader showed what was acknowledged before the faults ended (R6).</summary>
internal sealed class Convergence(IReadOnlyDictionary<SyncedKey, long> wanted, LedgerFacts facts, long ready)
{
    private readonly FindingList _missing = new();

    /// <summary>The longest time from the end of the faults, of those who came so far, and who took it.</summary>
    public (TimeSpan Time, string Who) Longest { get; private set; } = (TimeSpan.Zero, "");

    public bool IsReached { get; private set; } = true;

    public void AddMissing(FindingList findings) => findings.AddAll(_missing);

    /// <summary>Looks at all readers of replicas but those that are cut off on purpose.</summary>
    /// <param name="held">What they saw.</param>
    /// <param name="cutOff">Names of logs, such as <c>replica-1</c>.</param>
    public void Look(HeldStories held, IReadOnlySet<string> cutOff)
    {
        foreach (var (name, isList, keys) in held.Readers)
        {
            if (cutOff.Contains(name.Split(' ')[0])) continue;
            foreach (var (key, sequence) in wanted)
            {
                if (key.Collection != Load.Collection || (!isList && !ReplicaReader.Follows(key))) continue;
                var story = keys.GetValueOrDefault(key);
                if (TimeOf(story, key, sequence, isList) is { } time) Reached(time, $"{name} {key} sequence {sequence}");
                else if (!IsOvertaken(key, sequence)) Missing(name, key, sequence, story?.ToString() ?? "nothing");
            }
        }
    }

    /// <summary>Looks at what a replica host answered at a moment.</summary>
    /// <param name="host">Its address.</param>
    /// <param name="held">Sequences by key, of all vaults.</param>
    /// <param name="time">When it was asked.</param>
    public void Look(Uri host, IReadOnlyDictionary<SyncedKey, long> held, long time)
    {
        var isBehind = false;
        foreach (var (key, sequence) in wanted)
        {
            if (key.Collection is not (Load.Collection or LoadPlan.Chains)) continue;
            if (held.TryGetValue(key, out var has) ? has >= sequence : IsDeletedAfter(key, sequence)) continue;
            Missing(host.ToString(), key, sequence, has == 0 ? "nothing" : $"sequence {has}");
            isBehind = true;
        }
        if (!isBehind) Reached(time, host.ToString());
    }

    // Null = not yet.
    private long? TimeOf(KeyStory? story, SyncedKey key, long sequence, bool isList)
    {
        // What never was there is not in the log: absent from the beginning.
        if (story is null) return isList && IsDeletedAfter(key, sequence) ? ready : null;
        foreach (var (time, shown, isGone) in story.Shown)
            if (isGone && isList ? IsDeletedAfter(key, sequence) : shown >= sequence) return time;
        return null;
    }

    private bool IsDeletedAfter(SyncedKey key, long sequence) => facts.From(key, sequence).Any(fact => fact.Op == ChangeOp.Delete);

    // A replica may have met a value that it must refuse before it met the wanted one; then it keeps its old value.
    private bool IsOvertaken(SyncedKey key, long sequence) => facts.From(key, sequence).Any(fact => !fact.PassesGates);

    private void Reached(long at, string who)
    {
        var time = TimeSpan.FromMicroseconds(Math.Max(0, at - ready));
        if (time > Longest.Time) Longest = (time, who);
    }

    private void Missing(string reader, SyncedKey key, long sequence, string has)
    {
        IsReached = false;
        _missing.Add("R6", "a reader did not come to the heads in time",
            $"{reader}: {key} sequence {sequence}; has {has}; ready {ready}");
    }
}

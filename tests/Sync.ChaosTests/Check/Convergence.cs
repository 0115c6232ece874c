using Sync.ChaosTests.Clients;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.ChaosTests.Check;

/// <summary>When every reader showed what was acknowledged before the faults ended (R6).</summary>
internal sealed class Convergence(IReadOnlyDictionary<SyncedKey, long> wanted, LedgerFacts facts, long ready)
{
    private const string Behind = "a reader did not come to the heads in time";
    private const string Silent = "a reader did not say that it refused what it does not show";

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
        foreach (var reader in held.Readers)
            if (!cutOff.Contains(reader.File)) Look(reader);
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

    private void Look(ReaderStory reader)
    {
        foreach (var (key, sequence) in wanted)
        {
            if (key.Collection != Load.Collection || (!reader.IsList && !ReplicaReader.Follows(key))) continue;
            var story = reader.Keys.GetValueOrDefault(key);
            if (TimeOf(story, key, sequence, reader.IsList) is { } time)
                Reached(time, $"{reader.Name} {key} sequence {sequence}");
            else if (!IsOvertaken(key, sequence, reader.Knows)) Missing(reader.Name, key, sequence, story);
            else if (SaidAt(reader, story, sequence) is { } said)
                Reached(said, $"{reader.Name} {key} sequence {sequence}, refused");
            else
                Missing(reader.Name, key, sequence, story, Silent);
        }
    }

    // Null = not yet.
    private long? TimeOf(KeyStory? story, SyncedKey key, long sequence, bool isList)
    {
        // What never was there is not in the log: absent from the beginning.
        if (story is null or { Shown.Count: 0 }) return isList && IsDeletedAfter(key, sequence) ? ready : null;
        foreach (var (time, shown, isGone) in story.Shown)
            if (isGone && isList ? IsDeletedAfter(key, sequence) : shown >= sequence) return time;
        return null;
    }

    // Null = it gives its old value for the newest.
    private static long? SaidAt(ReaderStory reader, KeyStory? story, long sequence) =>
        !reader.IsList ? story?.NotOkSince
        : reader.Status is null or (long)CollectionStatus.Ok ? null
        : story?.RefusedAt(sequence);

    private bool IsDeletedAfter(SyncedKey key, long sequence) => facts.From(key, sequence).Any(fact => fact.Op == ChangeOp.Delete);

    // A replica may have met a value that it must refuse before it met the wanted one; then it keeps its old value.
    private bool IsOvertaken(SyncedKey key, long sequence, long knows) =>
        facts.From(key, sequence).Any(fact => !fact.PassesGates(knows));

    private void Reached(long at, string who)
    {
        var time = TimeSpan.FromMicroseconds(Math.Max(0, at - ready));
        if (time > Longest.Time) Longest = (time, who);
    }

    private void Missing(
        string reader, SyncedKey key, long sequence, object? has, string what = Behind)
    {
        IsReached = false;
        _missing.Add("R6", what, $"{reader}: {key} sequence {sequence}; has {has ?? "nothing"}; ready {ready}");
    }
}

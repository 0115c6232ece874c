using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>Watches one collection replica as its readers do, and holds what it announces and shows against the ledger. It
/// knows the facts, not the rules.</summary>
internal sealed class CollectionWitness(World world, SyncedPattern scope, CollectionCore<long> core)
{
    private readonly Dictionary<SyncedKey, (long Sequence, bool IsShown)> _last = [];
    private readonly FeedPosition[] _fresh = new FeedPosition[world.Plan.Feeds];
    private readonly FeedPosition[] _told = new FeedPosition[world.Plan.Feeds];

    /// <summary>A beat arrived: nothing may be missed below it from now on.</summary>
    public void Hear(Beat beat) => Told(new(beat.Feed, beat.History, beat.Position));

    /// <summary>An envelope arrived. In a scope of one collection nothing may be missed below it from now on; in a larger
    /// one a beat says so.</summary>
    public void Hear(Envelope envelope)
    {
        if (scope is { Vault: not null, Collection: not null })
            Told(new(envelope.Feed, envelope.History, envelope.Position));
    }

    /// <summary>Takes what one input announced, then looks at what is held.</summary>
    public void See(CollectionEffects<long> effects)
    {
        foreach (var change in effects.Changes) See(change);
        foreach (var change in effects.Changes)
            if (change.Kind is CollectionChangeKind.Put or CollectionChangeKind.Removed
                && core.TryGetValue(change.Key, out _) != _last[change.Key].IsShown)
                throw Broken(Invariants.Shown, change.Key, "is not what was announced");
        for (var feed = 0; feed < _fresh.Length; feed++) CheckFreshness(new FeedId(feed));
    }

    /// <summary>The world has been quiet for the stated time.</summary>
    public void CheckAtRest()
    {
        var (records, refused) = (0L, 0);
        foreach (var (key, facts) in world.Ledger.Now.Keys)
        {
            if (!scope.Matches(key)) continue;
            var head = facts[^1];
            var isHeld = core.TryGet(key, out var record);
            if (isHeld) records++;
            if (head.Op != ChangeOp.Delete && !SimValue.Passes(head))
            {
                refused++;
                continue;
            }
            var isLive = head.Op != ChangeOp.Delete;
            if (isHeld != isLive)
                throw Broken(Invariants.Converged, key, isHeld ? "is held and was deleted" : "is missing");
            if (isHeld && (record.Sequence != head.Sequence || record.IsOld))
                throw Broken(Invariants.Converged, key, $"is held as {record.Sequence}, the head is {head.Sequence}");
        }
        Violation.Unless(core.Count == records, Invariants.Converged,
            () => $"{Name} holds {core.Count} records; {records} of them are in the ledger");
        Violation.Unless(core.RefusedCount == refused, Invariants.Converged,
            () => $"{Name} counts {core.RefusedCount} refused keys; there are {refused}");
        Violation.Unless(core.TombstoneCount == 0, Invariants.Bounded,
            () => $"{Name} keeps {core.TombstoneCount} tombstones");
        Violation.Unless(core.Status <= CollectionStatus.Skew && core.History == world.Store.Ledger.Info.History,
            Invariants.Converged, () => $"{Name} is {core.Status}, of history {core.History}");
    }

    private string Name => $"the replica of {scope}";

    private void Told(FeedPosition at)
    {
        if (at.History != world.Store.Ledger.Info.History) return;
        ref var last = ref _told[at.Feed.Value];
        if (last.History != at.History || last.Position < at.Position) last = at;
    }

    private void See(CollectionChange<long> change)
    {
        world.Trace.Add("collection shows", (long)change.Kind, change.Sequence.Value, change.At.Position.Value);
        switch (change.Kind)
        {
            case CollectionChangeKind.Reset:
                _last.Clear();
                Array.Clear(_fresh);
                return;
            case CollectionChangeKind.Refused:
                return;
        }
        var key = change.Key;
        if (!scope.Matches(key)) throw Broken(Invariants.Shown, key, "is none of the scope");
        var facts = world.Ledger.Of(change.At.History);
        var last = _last.GetValueOrDefault(key);
        if (change.Sequence == Sequence.Unknown)
        {
            var stood = facts.HeadAsOf(key, change.At.Position);
            if (stood is not null && stood.Op != ChangeOp.Delete)
                throw Broken(Invariants.Shown, key, $"was there at {change.At}, and is called absent");
            _last[key] = (Math.Max(last.Sequence, stood?.Sequence.Value ?? 0), false);
            return;
        }
        if (change.Sequence.Value <= last.Sequence)
            throw Broken(Invariants.Forward, key, $"went from {last.Sequence} to {change.Sequence}");
        var fact = facts.FactOf(key, change.Sequence);
        var isPut = change.Kind == CollectionChangeKind.Put;
        if (fact is null || (isPut ? !SimValue.Passes(fact) || SimValue.IdOf(fact.Value) != change.Value
            : fact.Op != ChangeOp.Delete))
            throw Broken(Invariants.Shown, key, $"shows {change.Kind} {change.Value} as {change.Sequence} of {change.At}");
        _last[key] = (change.Sequence.Value, isPut);
    }

    // What is called covered is held, in the state of that position or of a later one.
    private void CheckFreshness(FeedId feed)
    {
        var fresh = core.FreshnessOf(feed);
        if (!fresh.IsKnown) return;
        var told = _told[feed.Value];
        if (fresh.IsCurrent && told.History == fresh.At.History && told.Position > fresh.At.Position)
            throw new Violation(Invariants.Fresh, $"{Name} is current as of {fresh.At}, and has heard of {told}");
        ref var last = ref _fresh[feed.Value];
        if (fresh.At == last) return;
        var facts = world.Ledger.Of(fresh.At.History);
        var from = last.History == fresh.At.History ? last.Position : Position.Start;
        for (var position = from.Next; position <= fresh.At.Position; position = position.Next)
            if (facts.At(feed, position) is { } fact && scope.Matches(fact.Key)) CheckCovered(facts, fact.Key, fresh.At);
        last = fresh.At;
    }

    private void CheckCovered(HistoryView facts, SyncedKey key, FeedPosition covered)
    {
        var head = facts.HeadAsOf(key, covered.Position)!;
        var isHeld = core.TryGet(key, out var record);
        if (head.Op != ChangeOp.Delete && !SimValue.Passes(head)) return;
        if (isHeld ? !record.IsOld && record.At.Position >= head.Position : head.Op == ChangeOp.Delete) return;
        // A page may have shown a later delete, or a later value that hid this one and was refused.
        foreach (var later in facts.Keys[key])
            if (later.Position > covered.Position && !SimValue.Passes(later)
                && (!isHeld || later.Op != ChangeOp.Delete)) return;
        throw Broken(Invariants.Fresh, key,
            $"is of {(isHeld ? record.At.Position : "none")}, changed at {head.Position}, covered {covered}");
    }

    private Violation Broken(string invariant, SyncedKey key, string what) => new(invariant, $"{Name}: {key} {what}");
}

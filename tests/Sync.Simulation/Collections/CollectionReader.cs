using System.Globalization;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>The names of the invariants of collection replicas.</summary>
internal static class CollectionInvariants
{
    public const string Shown = "C1 only what passed the gates is shown";
    public const string Forward = "C2 no sequence goes back, nothing deleted comes back";
    public const string Covered = "C3 what is covered is held";
    public const string Absent = "C4 what is removed was absent";
    public const string Converged = "C5 records equal the truth";
    public const string Current = "C6 it becomes current, at the heads";
    public const string Forgotten = "C7 tombstones are forgotten";
    public const string NoStorm = "C8 no request without a reason";
    public const string Counted = "C9 refused keys are counted";
    public const string Digest = "C10 digests are equal";
    public const string Early = "C11 nothing is loaded before the subscription";
    public const string Announced = "C12 what is announced is held";
    public const string Ahead = "C13 it is not current while something is known to be ahead";
    public const string Threw = "the core throws nothing";
}

/// <summary>A reader who sees every announcement and may look at any time. It knows the facts, not the rules.</summary>
internal sealed class CollectionReader
{
    private readonly CollectionPlan _plan;
    private readonly CollectionTruth _truth;
    private readonly CollectionCore<long> _core;
    private readonly long[] _last;
    private readonly bool[] _isShown;
    private readonly FeedFreshness[] _fresh;
    private readonly FeedPosition[] _told;

    public CollectionReader(CollectionPlan plan, CollectionTruth truth, CollectionCore<long> core)
    {
        (_plan, _truth, _core) = (plan, truth, core);
        _last = new long[plan.Keys.Length];
        _isShown = new bool[plan.Keys.Length];
        _fresh = new FeedFreshness[plan.Feeds];
        _told = new FeedPosition[plan.Feeds];
    }

    /// <summary>A beat arrived: from now on the writer is known to be there.</summary>
    public void Hear(Beat beat) => Told(new(beat.Feed, beat.History, beat.Position));

    /// <summary>An envelope arrived. In a scope of one collection nothing may be missed below it from now on; in a larger
    /// one a beat says so.</summary>
    public void Hear(Envelope envelope)
    {
        if (_plan.Scope is { Vault: not null, Collection: not null })
            Told(new(envelope.Feed, envelope.History, envelope.Position));
    }

    /// <summary>What is committed now may have been missed: it is not current again before it is there. (What is
    /// of an old history says nothing.)</summary>
    public void Told(FeedPosition at)
    {
        if (at.History != _truth.History) return;
        ref var last = ref _told[at.Feed.Value];
        if (last.History != at.History || last.Position < at.Position) last = at;
    }

    /// <summary>Takes what one input announced, then looks at what is held.</summary>
    public void See(CollectionEffects<long> effects)
    {
        foreach (var change in effects.Changes) See(change);
        foreach (var change in effects.Changes)
        {
            var key = Array.IndexOf(_plan.Keys, change.Key);
            if (key >= 0 && _core.TryGetValue(change.Key, out _) != _isShown[key])
                throw Broken(CollectionInvariants.Announced, key, _isShown[key] ? "is not held" : "is held");
        }
        for (var feed = 0; feed < _plan.Feeds; feed++)
        {
            var fresh = _core.FreshnessOf(new FeedId(feed));
            if (!fresh.IsKnown) continue;
            var told = _told[feed];
            if (fresh.IsCurrent && told.History == fresh.At.History && told.Position > fresh.At.Position)
                throw new Violation(CollectionInvariants.Ahead, $"{told} was heard, {fresh.At} is called current");
            if (fresh.At == _fresh[feed].At) continue;
            _fresh[feed] = fresh;
            for (var key = 0; key < _plan.Keys.Length; key++)
                if (_plan.FeedOf(_plan.Keys[key].Vault) == feed) CheckCovered(key, fresh.At);
        }
    }

    /// <summary>When all faults are over and all has arrived.</summary>
    public void CheckEnd(bool withDigest)
    {
        var refused = 0;
        var records = 0;
        for (var key = 0; key < _plan.Keys.Length; key++)
        {
            var name = _plan.Keys[key];
            if (!_plan.Scope.Matches(name)) continue;
            var head = _truth.Now.Head(key);
            var shown = head is { Passes: true } ? head
                : head is null || head.Fact.Op == ChangeOp.Delete ? null : LastShown(key, ref refused);
            var isHeld = _core.TryGet(name, out var record);
            if (isHeld) records++;
            // A refused head leaves the old value, if one was ever seen; else the head it is.
            if (head is { Passes: false } && head.Fact.Op != ChangeOp.Delete)
            {
                if (isHeld && shown is null && !record.IsOld)
                    throw Broken(CollectionInvariants.Converged, key, "is held though no value of it passes");
                continue;
            }
            if (isHeld != shown is not null)
                throw Broken(CollectionInvariants.Converged, key, isHeld ? "is held and was deleted" : "is missing");
            if (isHeld && (record.Sequence != shown!.Fact.Sequence || record.IsOld))
                throw Broken(CollectionInvariants.Converged, key,
                    $"is held as {record.Sequence} and not {shown.Fact.Sequence}");
        }
        if (_core.Count != records)
            throw new Violation(CollectionInvariants.Converged, $"{_core.Count} records, not {records}");
        if (_core.RefusedCount != refused)
            throw new Violation(CollectionInvariants.Counted, $"{_core.RefusedCount} refused keys, not {refused}");
        if (_core.TombstoneCount != 0)
            throw new Violation(CollectionInvariants.Forgotten, $"{_core.TombstoneCount} are kept");
        if (withDigest && refused == 0) CheckDigests();
    }

    private CommittedFact? LastShown(int key, ref int refused)
    {
        refused++;
        for (var index = _truth.Now.Keys[key].Count - 1; index >= 0; index--)
            if (_truth.Now.Keys[key][index] is { Passes: true } fact) return fact;
        return null;
    }

    private void CheckDigests()
    {
        using var digester = new CollectionDigester();
        for (var key = 0; key < _plan.Keys.Length;)
        {
            var (vault, collection, _) = _plan.Keys[key];
            for (; key < _plan.Keys.Length; key++)
            {
                if (_plan.Keys[key].Vault != vault || _plan.Keys[key].Collection != collection) break;
                if (_truth.Now.Head(key) is { Passes: true, Fact: var fact })
                    digester.Add(fact.Key.Key, fact.Sequence, fact.ValueHash);
            }
            var expected = digester.Finish(_truth.Now.LastOf(new(vault, collection, "")));
            if (!_plan.Scope.Matches(new(vault, collection, ""))) continue;
            var digest = _core.Digest(vault, collection);
            if (digest != expected)
                throw new Violation(CollectionInvariants.Digest, $"{vault}/{collection}: {digest} and not {expected}");
        }
    }

    private void See(CollectionChange<long> change)
    {
        if (change.Kind == CollectionChangeKind.Reset)
        {
            Array.Clear(_last);
            Array.Clear(_fresh);
            return;
        }
        if (change.Kind == CollectionChangeKind.Refused) return;
        var key = Array.IndexOf(_plan.Keys, change.Key);
        if (key < 0 || !_plan.Scope.Matches(change.Key))
            throw new Violation(CollectionInvariants.Shown, $"{change.Key} is none of the scope");
        var facts = _truth.In(change.At.History);
        if (change.Kind == CollectionChangeKind.Removed && change.Sequence == Sequence.Unknown)
        {
            var stood = facts.At(key, change.At.Position.Value);
            if (stood is not null && stood.Fact.Op != ChangeOp.Delete)
                throw Broken(CollectionInvariants.Absent, key, $"was there at {change.At.Position}");
            _last[key] = Math.Max(_last[key], stood?.Fact.Sequence.Value ?? 0);
            _isShown[key] = false;
            return;
        }
        if (change.Sequence.Value <= _last[key])
            throw Broken(CollectionInvariants.Forward, key, $"went from {_last[key]} to {change.Sequence}");
        _last[key] = change.Sequence.Value;
        _isShown[key] = change.Kind == CollectionChangeKind.Put;
        var fact = facts.Keys[key][(int)change.Sequence.Value - 1];
        if (change.Kind == CollectionChangeKind.Put && (!fact.Passes || change.Value != SimValue.IdOf(fact.Fact.Value)))
            throw Broken(CollectionInvariants.Shown, key, $"shows {change.Value} as {change.Sequence}");
    }

    // Held is what the key was at a position not below the one that is said to be covered.
    private void CheckCovered(int key, FeedPosition covered)
    {
        var name = _plan.Keys[key];
        if (!_plan.Scope.Matches(name)) return;
        // Refused for what happened on the way, which the facts do not know; the end does.
        if (_plan.Has(CollectionFaultKinds.Corrupt) && _core.RefusedCount > 0) return;
        var facts = _truth.In(covered.History);
        var last = facts.At(key, covered.Position.Value);
        var isHeld = _core.TryGet(name, out var record);
        if (last is not null && !last.Passes && last.Fact.Op != ChangeOp.Delete) return;
        var isCovered = isHeld
            ? !record.IsOld && record.At.Position >= (last?.Fact.Position ?? covered.Position)
            : last is null || last.Fact.Op == ChangeOp.Delete;
        if (isCovered) return;
        // A page may have shown a later delete, or a later value that hid this one and was refused.
        foreach (var later in facts.Keys[key])
        {
            var hides = !later.Passes && (!isHeld || later.Fact.Op != ChangeOp.Delete);
            if (later.Fact.Position > covered.Position && hides) return;
        }
        throw Broken(CollectionInvariants.Covered, key,
            $"is of {(isHeld ? record.At.Position : "none")}, changed at {last?.Fact.Position}, covered {covered}");
    }

    private Violation Broken(string invariant, int key, string what) => new(invariant,
        string.Create(CultureInfo.InvariantCulture, $"{_plan.Keys[key]} {what}"));
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Pages of snapshots and of changes, and what another history means.</summary>
public sealed partial class CollectionCore<T>
{
    /// <summary>The answer to a snapshot request.</summary>
    /// <param name="id">The request.</param>
    /// <param name="page">What the writer gave.</param>
    /// <param name="at">When.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Answered(long id, SnapshotPage page, CollectionMoment at, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (IsEarly(id, page)) return;
        if (TryEnd(id, out var request) && request.Feed is { } feed)
        {
            if (IsOtherHistory(page.History)) Reset(page.History, effects);
            else if (IsUsable(feed, request.Sent.Snapshot, page))
            {
                TakePage(feed, page, at, effects);
                Fit(feed, request.Sent.Snapshot, page);
                TakeAhead(feed, at, effects);
            }
            // The writer may have read it before the one in front of it: asked for again, now alone.
            else if (request.WasAhead) WasInVain(feed);
            else Fail(feed, at);
        }
        End(at, effects);
    }

    /// <summary>The answer to a changes request.</summary>
    /// <param name="id">The request.</param>
    /// <param name="page">What the writer gave.</param>
    /// <param name="at">When.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Answered(long id, ChangesPage page, CollectionMoment at, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(page);
        if (TryEnd(id, out var request) && request.Feed is { } feed)
        {
            var asked = request.Sent.Changes.After;
            if (IsOtherHistory(page.History)) Reset(page.History, effects);
            else if (page.Feed != feed.Id || page.Through < asked || page.Position < asked) Fail(feed, at);
            else if (page.Floor > asked.Next && !_rules.Faults.FloorIgnored) Load(feed);
            else TakeChanges(feed, page, at, effects);
        }
        End(at, effects);
    }

    // A page that stands below what is known was read too early; one that makes no headway would be asked for for ever.
    private static bool IsUsable(CollectionFeed<T> feed, SnapshotRequest asked, SnapshotPage page)
    {
        if ((feed.Id is { } id && page.Feed != id) || page.Feed.Value < 0) return false;
        if (page.Feed.Value >= page.Feeds || page.Feeds > Feeds.CountMax) return false;
        if (page.Position.Value < Math.Max(feed.Covered, feed.PagedTo)) return false;
        if (!page.More) return true;
        return page.Envelopes.Count > 0
            && (asked.After is not { } after || Utf8Order.Instance.Compare(after, page.Envelopes[^1].Key) < 0);
    }

    private void TakePage(CollectionFeed<T> feed, SnapshotPage page, CollectionMoment at, CollectionEffects<T> effects)
    {
        feed.Failures = 0;
        _history = page.History;
        _counters.Pages++;
        if (feed.Id is null) Name(feed, page);
        var isFirst = !feed.HasPage;
        if (isFirst) feed.ForgetRanges();
        (feed.HasPage, feed.HasEverPaged, feed.PagedTo) = (true, true, page.Position.Value);
        TakeAll(feed, page.Envelopes, RecordOrigin.Page, effects);
        feed.Settle(page.More ? page.Envelopes[^1].Key : null, page.Position.Value);
        if (isFirst || _rules.Faults.CoveredByLastPage)
        {
            feed.Cover(page.Position.Value);
            Hear(feed, page.Position.Value, at.Now);
        }
        KnowLast(feed, page);
        if (isFirst) Drain(feed, at, effects);
        if (page.More) feed.LoadAfter = page.Envelopes[^1].Key;
        else EndLoad(feed, at, effects);
        Joined(feed, at.Now);
    }

    // What is above heard comes yet, as a change.
    private void KnowLast(CollectionFeed<T> feed, SnapshotPage page)
    {
        foreach (var (vault, collection, last) in page.Collections)
        {
            if (last.Value > feed.Heard || !Scope.Matches(new(vault, collection, ""))) continue;
            if (PartOf(feed, vault, collection) is { } part && last.Value > part.Last) part.Last = last.Value;
        }
    }

    private void EndLoad(CollectionFeed<T> feed, CollectionMoment at, CollectionEffects<T> effects)
    {
        if (!_rules.Faults.AbsentKept) RemoveAbsent(feed, effects);
        (feed.IsLoading, feed.WasLoaded, feed.LoadAfter) = (false, true, null);
        _counters.Snapshots++;
        Hear(feed, feed.Heard, at.Now);
    }

    // Every key was in the range of a page; what none of them had was absent there.
    private void RemoveAbsent(CollectionFeed<T> feed, CollectionEffects<T> effects)
    {
        foreach (var part in _parts.Values)
        {
            if (part.Feed != feed.Id) continue;
            for (var slot = 0; slot < part.Records.Slots; slot++)
            {
                ref var entry = ref part.Records[slot];
                if (entry.Key is not { } key || entry.Round == feed.Round) continue;
                var stood = feed.SettledTo(part.KeyOf(key));
                if (entry.Position <= stood) Remove(feed, part, slot, stood, effects);
            }
            if (part.Refusals is not { } refusals) continue;
            foreach (var (key, refusal) in refusals)
                if (refusal.Round != feed.Round && refusal.Position <= feed.SettledTo(part.KeyOf(key)))
                    Forget(feed, part, key, refusal);
        }
    }

    private void Remove(
        CollectionFeed<T> feed, CollectionPart<T> part, int slot, long stood, CollectionEffects<T> effects)
    {
        var key = part.KeyOf(part.Records[slot].Key!);
        part.Records.Remove(slot);
        _count--;
        effects.Changes.Add(new(CollectionChangeKind.Removed, key, default, Sequence.Unknown,
            new(feed.Id!.Value, _history, new(stood)), IsLoad: true));
    }

    // The first page of a scope says which feed it is, and of how many: a group may have records in each. What is left
    // of an old history goes with the load of the feed that its vault has now.
    private void Name(CollectionFeed<T> feed, SnapshotPage page)
    {
        feed.Id = page.Feed;
        foreach (var part in _parts.Values)
            if (part.IsOld && (Scope.Group is null || part.Feed.Value >= page.Feeds)) part.Feed = page.Feed;
        if (Scope.Group is null) return;
        _feeds.Clear();
        for (var number = 0; number < page.Feeds; number++)
            _feeds.Add(number == page.Feed.Value ? feed : new(new(number)) { IsReset = feed.IsReset });
    }

    private void TakeChanges(
        CollectionFeed<T> feed, ChangesPage page, CollectionMoment at, CollectionEffects<T> effects)
    {
        _counters.ChangesPages++;
        TakeAll(feed, page.Envelopes, RecordOrigin.Changes, effects);
        var isAll = page.Through >= page.Position;
        Hear(feed, _rules.Faults.ThroughIgnored ? page.Position.Value : page.Through.Value, at.Now);
        if (isAll && page.Position.Value == feed.Heard) Renew(feed, at.Now);
        if (isAll) feed.IsChecking = false;
        else if (feed.IsChecking) Check(feed, at.Now);
        // Read before what is wanted was there: not at once again.
        if (isAll && feed.IsGapOpen) Fail(feed, at);
        else feed.Failures = 0;
        Joined(feed, at.Now);
    }

    private void Load(CollectionFeed<T> feed)
    {
        if (!_rules.Faults.OldAnswersTaken)
        {
            if (_outstanding.TryGetValue(feed.Request, out var request)) request.Feed = null;
            feed.Request = 0;
            DropAheads(feed);
        }
        (feed.IsLoading, feed.HasPage, feed.LoadAfter, feed.PagesInVain) = (true, false, null, 0);
        feed.Round++;
    }

    // The one case in which sequences go back. What is held stays readable, marked as old, until its key or the end of
    // the load says what became of it.
    private void Reset(HistoryId history, CollectionEffects<T> effects)
    {
        _counters.Resets++;
        _history = history;
        foreach (var feed in _feeds) DropAheads(feed);
        foreach (var request in _outstanding.Values) request.Feed = null;
        _feeds.Clear();
        _feeds.Add(new(null) { IsReset = true });
        _toRefetch.Clear();
        _refetching = null;
        _buffer.Clear();
        _missed.Clear();
        _bufferBytes = 0;
        _refusedMajor = default;
        (_refused, _reasons) = (0, 0);
        foreach (var part in _parts.Values)
        {
            part.Forget();
            for (var slot = 0; slot < part.Records.Slots; slot++)
            {
                ref var entry = ref part.Records[slot];
                if (entry.Position > 0 && !_rules.Faults.ResetKeepsSequences) entry.Position = -entry.Position;
                entry.Round = 0;
            }
        }
        effects.Changes.Add(new(CollectionChangeKind.Reset, default, default, Sequence.Unknown,
            new(default, history, default), IsLoad: false));
    }
}

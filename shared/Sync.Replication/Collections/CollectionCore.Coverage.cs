using Sync.Contracts;

namespace Sync.Replication;

/// <summary>How far a feed's changes are known: envelopes link by link, beats, and when to ask.</summary>
public sealed partial class CollectionCore<T>
{
    private void Live(CollectionFeed<T> feed, Envelope envelope, CollectionMoment at, CollectionEffects<T> effects)
    {
        // Only the writer knows which of two histories lives: the changes that are asked for name it.
        if (IsOtherHistory(envelope.History))
        {
            Check(feed, at.Now);
            return;
        }
        if (PartOf(feed, envelope.Key.Vault, envelope.Key.Collection) is not { } part) return;
        Take(feed, part, envelope, RecordOrigin.Live, effects);
        Arrived(feed, part, envelope, at);
    }

    private void Arrived(CollectionFeed<T> feed, CollectionPart<T> part, Envelope envelope, CollectionMoment at)
    {
        JoinBlindly(feed, envelope.After.Value, at);
        var missing = part.Chain.Arrived(envelope.After.Value, envelope.Position.Value, feed.Heard);
        if (_rules.Faults.CoveredOverGap)
        {
            Hear(feed, envelope.Position.Value, at.Now);
            return;
        }
        if (missing > 0)
        {
            if (!feed.IsGapOpen) _counters.Gaps++;
            Want(feed, missing);
        }
        Joined(feed, at.Now);
    }

    private void Join(CollectionFeed<T> feed, Beat beat, CollectionMoment at)
    {
        var (prev, position) = (beat.Prev.Value, beat.Position.Value);
        JoinBlindly(feed, prev, at);
        if (_rules.Faults.MissedBeatsIgnored && prev > feed.Heard) prev = feed.Heard;
        if (position <= feed.Heard)
        {
            if (position == feed.Heard) Renew(feed, at.Now);
            return;
        }
        var run = feed.Beats;
        if (run.To > 0 && position < run.From) return; // an old one, below a run that waits for changes anyway
        if (run.To == 0 || prev > run.To)
        {
            run.Clear();
            (run.From, run.To) = (prev, position);
        }
        else (run.From, run.To) = (Math.Min(run.From, prev), Math.Max(run.To, position));
        run.HeardAt = at.Now;
        if (prev > feed.Heard && run.From > feed.Heard) Want(feed, run.From);
        if (!_rules.Faults.BeatNamesIgnored) AwaitNamed(feed, beat, at.Now + _rules.Grace);
        Joined(feed, at.Now);
    }

    private void AwaitNamed(CollectionFeed<T> feed, Beat beat, TimeSpan due)
    {
        var run = feed.Beats;
        for (var index = 0; index < beat.Collections.Count; index++)
        {
            var (vault, collection, last) = beat.Collections[index];
            if (vault is null || collection is null || !Scope.Matches(new(vault, collection, ""))
                || HeardTo(feed, vault, collection) >= last.Value) continue;
            if (run.Awaited == AwaitedMax)
            {
                // So much is missing that one look at the changes is cheaper than waiting for each.
                Want(feed, run.To);
                run.Clear();
                return;
            }
            run.Await(vault, collection, Math.Min(last.Value, beat.Position.Value), due);
        }
    }

    // What came since may be all that a run of envelopes or of beats waited for. (A scope of one collection is one
    // chain: its unbroken end is all there is to know.)
    private void Joined(CollectionFeed<T> feed, TimeSpan now)
    {
        if (_onlyPart is not null) Hear(feed, _onlyPart.Chain.EndAt(feed.Heard), now);
        var run = feed.Beats;
        if (run.Awaited > 0) run.Arrived((vault, collection) => HeardTo(feed, vault, collection));
        if (run.To > 0 && run.From <= feed.Heard && run.Awaited == 0) Hear(feed, run.To, run.HeardAt);
    }

    private long HeardTo(CollectionFeed<T> feed, string vault, string collection) =>
        _parts.TryGetValue((vault, collection), out var part) && part.Feed == feed.Id
            ? part.Chain.EndAt(feed.Heard)
            : feed.Heard;

    private void Hear(CollectionFeed<T> feed, long position, TimeSpan now)
    {
        if (position > feed.Heard) (feed.Heard, feed.HeardAt) = (position, now);
        if (feed.Beats.To > 0 && feed.Beats.To <= feed.Heard) feed.Beats.Clear();
        if (!feed.IsLoading || _rules.Faults.CoveredOverGap) feed.Cover(feed.Heard);
    }

    // That nothing changed is news too.
    private void Renew(CollectionFeed<T> feed, TimeSpan now)
    {
        feed.HeardAt = now;
        Hear(feed, feed.Heard, now);
    }

    private void JoinBlindly(CollectionFeed<T> feed, long position, CollectionMoment at)
    {
        if (!feed.JoinsBlindly) return;
        feed.JoinsBlindly = false;
        Hear(feed, position, at.Now);
    }

    private static void Want(CollectionFeed<T> feed, long position)
    {
        if (position > feed.Wanted) feed.Wanted = position;
    }

    private void Buffer(Envelope envelope)
    {
        var length = envelope.Value.Length;
        if (_buffer.Count < _rules.BufferMax && _bufferBytes + length <= _rules.BufferBytesMax)
        {
            _buffer.Add(envelope);
            _bufferBytes += length;
            return;
        }
        _counters.BufferDrops++;
        Miss(new(envelope.Feed, envelope.History, envelope.Position));
    }

    // Known before a feed's first page, and not kept: a beat, or an envelope that did not fit.
    private void Miss(FeedPosition at)
    {
        var isKnown = _missed.TryGetValue(at.Feed, out var known);
        if (!isKnown || known.History != at.History || known.Position < at.Position) _missed[at.Feed] = at;
    }

    // The first page of a feed is there: what waited for it goes the way of all live envelopes.
    private void Drain(CollectionFeed<T> feed, CollectionMoment at, CollectionEffects<T> effects)
    {
        // What was missed is committed, so changes that are asked for from here on bring it, of whatever history it was.
        if (_missed.Remove(feed.Id!.Value, out var missed))
        {
            if (_rules.Faults.BufferLossForgotten) Hear(feed, missed.Position.Value, at.Now);
            else if (missed.History != _history || missed.Position.Value > feed.Heard) Check(feed, at.Now);
        }
        if (_buffer.Count == 0) return;
        var buffered = _buffer.ToArray();
        _buffer.Clear();
        _bufferBytes = 0;
        foreach (var envelope in buffered)
        {
            if (envelope.Feed == feed.Id) Live(feed, envelope, at, effects);
            else if (IsFeedPossible(envelope.Feed)) Buffer(envelope);
            else _counters.WrongKey++;
        }
    }
}

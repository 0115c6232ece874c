using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Keeps a whole scope in step: a collection, a vault, a collection across a group, or a group. Pure: no
/// clock, lock, task or chance; effects go to lists. One call at a time (the shell's duty).
/// <para><b>Driving it.</b>
/// <list type="number">
/// <item>Subscribe to the scope's envelopes and to the beats; hand each to <c>Receive</c> as it comes, also before the
/// subscription is confirmed. <c>Disrupted</c> for every disruption of either.</item>
/// <item>When both subscriptions are confirmed: <see cref="Subscribed"/>. It asks for the first page.</item>
/// <item>After every input: announce <c>Changes</c> in order, send each of <c>Requests</c> (no wait between; order
/// does not matter), look at the status when it changed, clear the effects, and call <see cref="Advance"/> no later
/// than
/// <see cref="NextDue"/>.</item>
/// <item>A page of a snapshot may be shown to <see cref="ReadAhead"/> first, so that the next one is read while this one is
/// applied.</item>
/// <item>End each request by one <c>Answered</c> or <see cref="Failed"/> with its id, within a time-out of the
/// shell's.</item>
/// </list></para>
/// <para><b>Marks of a feed.</b> <em>Heard</em>: every change of the scope up to here has arrived. <em>Covered</em>:
/// and is in what is held; the same, but it waits at the first page's position while a snapshot is loaded. Heard moves
/// by a beat that joins it and names nothing unseen, by complete changes, by a first page, and in a scope of one
/// collection by an unbroken envelope. A <em>gap</em> is open while something above heard is known to be missed;
/// changes from heard close it, or the snapshot again.</para>
/// <para><b>Rules for a record</b>, wherever it comes from: at or below covered it is dropped (pages are not: they
/// stand at or above covered, or are asked for again); in the range of a page and at or below its position it is
/// dropped; else it is applied when its sequence is higher than that of the key's value or tombstone. A tombstone is
/// kept until covered passes it. At the end of a load whatever is at or below the position of its range's page and was
/// in no page is removed.</para>
/// <para>Invariants: no refused value is shown; within a history a key's sequence never goes back, and what was
/// deleted at or below covered does not come back.</para></summary>
/// <typeparam name="T">The model.</typeparam>
public sealed partial class CollectionCore<T>
{
    private readonly SyncSchema<T> _schema;
    private readonly CollectionRules _rules;
    private readonly bool _isOneCollection;
    private readonly Dictionary<(string Vault, string Collection), CollectionPart<T>> _parts = [];
    private readonly List<CollectionFeed<T>> _feeds = [new(null)];
    private readonly TextTable _versions = new();
    private readonly TextTable _producers = new();
    private CollectionPart<T>? _onlyPart;
    private HistoryId _history;
    private bool _isSubscribed, _isFull, _isDisposed;
    private CollectionCounters _counters;

    /// <summary>An empty replica; it asks for nothing before <see cref="Subscribed"/>.</summary>
    /// <param name="scope">What to keep.</param>
    /// <param name="schema">The parse gate.</param>
    /// <param name="rules">Validated here.</param>
    public CollectionCore(SyncedPattern scope, SyncSchema<T> schema, CollectionRules rules)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(rules);
        rules.Validate();
        (Scope, _schema, _rules, _expected) = (scope, schema, rules, rules.Expected);
        _isOneCollection = scope is { Vault: not null, Collection: not null };
    }

    /// <summary>What is kept.</summary>
    public SyncedPattern Scope { get; }

    /// <summary>How the whole stands: the highest status of its feeds.</summary>
    public CollectionStatus Status { get; private set; } = CollectionStatus.Loading;

    /// <summary>The history of all positions; 0 before the first page.</summary>
    public HistoryId History => _history;

    /// <summary>What was counted.</summary>
    public CollectionCounters Counters => _counters;

    /// <summary>The subscriptions deliver: loading may begin.</summary>
    public void Subscribed(CollectionMoment at, CollectionEffects<T> effects)
    {
        _isSubscribed = true;
        foreach (var feed in _feeds) feed.JoinsBlindly = _rules.Faults.SnapshotBeforeSubscribe;
        End(at, effects);
    }

    /// <summary>A live envelope.</summary>
    public void Receive(Envelope envelope, CollectionMoment at, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(envelope);
        if (_isDisposed || _isFull) return;
        if (!IsOfScope(envelope))
        {
            _counters.WrongKey++;
            return;
        }
        if (TryFeed(envelope.Feed, out var feed) && feed.HasEverPaged) Live(feed, envelope, at, effects);
        else if (IsFeedPossible(envelope.Feed)) Buffer(envelope);
        else _counters.WrongKey++;
        End(at, effects);
    }

    /// <summary>A beat, of whatever feed.</summary>
    public void Receive(Beat beat, CollectionMoment at, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(beat);
        if (_isDisposed || _isFull || _rules.Faults.BeatsIgnored || beat.Position < beat.Prev) return;
        if (!TryFeed(beat.Feed, out var feed) || !feed.HasEverPaged)
        {
            // Whether it says more than the first page is known when that is there.
            if (IsFeedPossible(beat.Feed)) Miss(new(beat.Feed, beat.History, beat.Position));
            return;
        }
        if (IsOtherHistory(beat.History)) Check(feed, at.Now);
        else Join(feed, beat, at);
        End(at, effects);
    }

    /// <summary>Something may have been missed: what is heard still holds, and changes behind it are asked for
    /// soon.</summary>
    public void Disrupted(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (_isDisposed || _isFull) return;
        foreach (var feed in _feeds) Check(feed, at.Now + (_rules.CheckSpread * at.Jitter));
        End(at, effects);
    }

    /// <summary>Asks for changes now instead of waiting for the next beat, as a reader does who waits for a
    /// position.</summary>
    public void Check(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (_isDisposed || _isFull) return;
        foreach (var feed in _feeds) Check(feed, at.Now);
        End(at, effects);
    }

    /// <summary>Loads the snapshot again over what is held, as after digests that differ.</summary>
    public void Reload(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (_isDisposed || _isFull) return;
        foreach (var feed in _feeds) Load(feed);
        End(at, effects);
    }

    /// <summary>What time alone brings.</summary>
    public void Advance(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (_isDisposed || _isFull) return;
        foreach (var feed in _feeds)
        {
            if (feed.Beats.Due is not { } due || due > at.Now) continue;
            var missing = feed.Beats.Overdue(at.Now);
            if (missing == 0) continue;
            _counters.TailGaps++;
            Want(feed, missing);
        }
        End(at, effects);
    }

    /// <summary>When <see cref="Advance"/> has something to do; null = nothing waits.</summary>
    public TimeSpan? NextDue
    {
        get
        {
            if (_isDisposed || _isFull || !_isSubscribed) return null;
            var due = _outstanding.Count < _rules.RequestsMax ? _refetchAt : null;
            foreach (var feed in _feeds)
            {
                if (feed.Beats.Due < (due ?? TimeSpan.MaxValue)) due = feed.Beats.Due;
                if (_outstanding.Count >= _rules.RequestsMax || feed.Request != 0) continue;
                if (feed.RetryAt is not { } retryAt || Demand(feed) is not { } demand) continue;
                var requestAt = retryAt > demand ? retryAt : demand;
                if (requestAt < (due ?? TimeSpan.MaxValue)) due = requestAt;
            }
            return due;
        }
    }

    /// <summary>Nothing has an effect any more; what is held stays readable.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _outstanding.Clear();
        _buffer.Clear();
    }

    private bool IsOtherHistory(HistoryId history) =>
        history.Value != 0 && _history.Value != 0 && history != _history && !_rules.Faults.HistoryIgnored;

    // A subject alone proves nothing: an envelope names its key itself.
    private bool IsOfScope(Envelope envelope) =>
        envelope.Key is { Vault: not null, Collection: not null, Key: not null }
        && (FindPart(envelope.Key.Vault, envelope.Key.Collection) is not null || Scope.Matches(envelope.Key))
        && envelope.Position > Position.Start && envelope.Sequence > Sequence.None;

    // Feeds are few and their numbers dense: a group's feed lies at its number.
    private bool TryFeed(FeedId id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out CollectionFeed<T>? feed)
    {
        feed = _feeds.Count == 1 ? _feeds[0] : (uint)id.Value < (uint)_feeds.Count ? _feeds[id.Value] : null;
        return feed is not null && feed.Id == id;
    }

    // Whatever is not known yet may be of the scope.
    private bool IsFeedPossible(FeedId id) =>
        id.Value is >= 0 and < Feeds.CountMax && (_feeds[0].Id is null || TryFeed(id, out _));

    private static void Check(CollectionFeed<T> feed, TimeSpan at)
    {
        if (feed.CheckAt is null || at < feed.CheckAt) feed.CheckAt = at;
    }

    private void End(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (!_isFull) Pump(at, effects);
        var status = StatusNow();
        if (status == Status) return;
        Status = status;
        effects.StatusChanged = true;
    }
}

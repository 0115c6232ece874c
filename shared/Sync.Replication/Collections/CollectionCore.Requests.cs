using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What is asked of the writer: one page at a time for each feed and two ahead of it, one batch of refused keys, all
/// together bounded.</summary>
public sealed partial class CollectionCore<T>
{
    private const int AwaitedMax = 8192;

    private readonly Dictionary<long, Outstanding> _outstanding = [];
    private readonly List<Envelope> _buffer = [];
    private readonly Dictionary<FeedId, FeedPosition> _missed = [];
    private long _bufferBytes;
    private long _requests;
    private long _refetchId;
    private int _turn;
    private TimeSpan? _refetchAt;
    private List<RefetchItem>? _refetching;
    private string _refetchVault = "";
    private int _refetchAttempt;

    /// <summary>The answer to a getmany request.</summary>
    /// <param name="id">The request.</param>
    /// <param name="answer">What the writer gave.</param>
    /// <param name="at">When.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Answered(long id, EnvelopeAnswer answer, CollectionMoment at, CollectionEffects<T> effects)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (TryEnd(id, out var request) && _refetching is not null && request.IsRefetch)
        {
            if (IsOtherHistory(answer.History)) CheckAll(at.Now);
            else TakeRefetched(answer, effects);
            if (answer.Answered <= 0) RefetchFailed(at);
            else if (answer.Answered < _refetching.Count) _refetching.RemoveRange(0, answer.Answered);
            else _refetching = null;
        }
        End(at, effects);
    }

    /// <summary>A request got no answer, or an error.</summary>
    /// <param name="id">The request.</param>
    /// <param name="at">When.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Failed(long id, CollectionMoment at, CollectionEffects<T> effects)
    {
        if (TryEnd(id, out var request))
        {
            if (request.Feed is { } feed) Fail(feed, at);
            else if (request.IsRefetch && _refetching is not null) RefetchFailed(at);
        }
        End(at, effects);
    }

    private bool TryEnd(long id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Outstanding? request)
    {
        request = null;
        if (_isDisposed || !_outstanding.Remove(id, out request)) return false;
        if (request.Feed is { } feed)
        {
            if (AheadOf(feed, id) is { } ahead) feed.Aheads.Remove(ahead);
            else feed.Request = 0;
        }
        else if (id == _refetchId) _refetchId = 0;
        return !_isFull;
    }

    private void Pump(CollectionMoment at, CollectionEffects<T> effects)
    {
        if (!_isSubscribed && !_rules.Faults.SnapshotBeforeSubscribe) return;
        for (var turn = 0; turn < _feeds.Count && _outstanding.Count < _rules.RequestsMax; turn++)
        {
            var feed = _feeds[_turn++ % _feeds.Count];
            var demand = Demand(feed);
            if (demand is null) feed.Failures = 0; // what failed came by itself meanwhile
            if (feed.Request == 0 && feed.RetryAt <= at.Now && demand <= at.Now) Ask(feed, at.Now, effects);
        }
        if (_outstanding.Count < _rules.RequestsMax) PumpRefetch(at.Now, effects);
    }

    // Since when a feed needs a page; null = it needs none.
    private static TimeSpan? Demand(CollectionFeed<T> feed) =>
        feed.IsLoading || feed.IsGapOpen || feed.IsChecking ? TimeSpan.Zero : feed.CheckAt;

    private void Ask(CollectionFeed<T> feed, TimeSpan now, CollectionEffects<T> effects)
    {
        if (!feed.IsLoading && feed.CheckAt <= now) (feed.IsChecking, feed.CheckAt) = (true, null);
        var request = feed.IsLoading
            ? PageRequest(feed.Id, feed.LoadAfter, LimitOf(feed))
            : new CollectionRequest
            {
                Id = ++_requests,
                Kind = CollectionRequestKind.Changes,
                Changes = new(feed.Id!.Value, new(feed.Heard), _rules.ChangesLimit),
            };
        feed.Request = Send(feed, request, effects);
    }

    private int LimitOf(CollectionFeed<T> feed) => feed.PageLimit > 0 ? feed.PageLimit : _rules.SnapshotLimit;

    private CollectionRequest PageRequest(FeedId? feed, SyncedKey? after, int limit) => new()
    {
        Id = ++_requests,
        Kind = CollectionRequestKind.Snapshot,
        Snapshot = new(feed, after, limit),
    };

    private long Send(CollectionFeed<T> feed, CollectionRequest request, CollectionEffects<T> effects)
    {
        _outstanding.Add(request.Id, new(feed, request));
        effects.Requests.Add(request);
        return request.Id;
    }

    private void Fail(CollectionFeed<T> feed, CollectionMoment at)
    {
        _counters.Failures++;
        DropAheads(feed);
        feed.RetryAt = _rules.Faults.NoRetry ? null : at.Now + Backoff(++feed.Failures, at.Jitter);
    }

    private TimeSpan Backoff(int failures, double jitter)
    {
        var wait = _rules.BackoffMin * Math.Pow(2, Math.Min(failures - 1, 20));
        if (wait > _rules.BackoffMax) wait = _rules.BackoffMax;
        return wait * (0.5 + (jitter / 2));
    }

    private void PumpRefetch(TimeSpan now, CollectionEffects<T> effects)
    {
        if (_refetchAt > now || _refetchId != 0) return;
        if (_refetching is null)
        {
            NextRefetch();
            if (_refetching is null)
            {
                // What was to be asked again is gone: a due time that stays would wake the shell without end.
                _refetchAt = null;
                return;
            }
            _counters.Refetches += _refetching.Count;
        }
        _refetchAt = null;
        _refetchId = ++_requests;
        var request = new CollectionRequest
        {
            Id = _refetchId,
            Kind = CollectionRequestKind.GetMany,
            Vault = _refetchVault,
            Items = [.. _refetching],
        };
        _outstanding.Add(_refetchId, new(null, request));
        effects.Requests.Add(request);
    }

    // The next keys of one vault that are still refused as they were.
    private void NextRefetch()
    {
        while (_toRefetch.TryPeek(out var next) && (_refetching is null || _refetching.Count < _rules.RefetchLimit))
        {
            if (_refetching is not null && next.Part.Vault != _refetchVault) return;
            _toRefetch.Dequeue();
            if (!next.Part.TryRefusal(next.Key, out var refusal) || refusal.Sequence != next.Sequence) continue;
            (_refetching ??= []).Add(new(next.Part.Collection, next.Key, HaveOf(next.Part, next.Key)));
            (_refetchVault, _refetchAttempt) = (next.Part.Vault, 0);
        }
    }

    private static Sequence HaveOf(CollectionPart<T> part, string key) =>
        new(HeldSequence(part, part.Records.Find(key), key));

    private void TakeRefetched(EnvelopeAnswer answer, CollectionEffects<T> effects)
    {
        if (!TryFeed(answer.Feed, out var feed) || !feed.HasEverPaged) return;
        TakeAll(feed, answer.Envelopes, RecordOrigin.Answer, effects);
    }

    private void RefetchFailed(CollectionMoment at)
    {
        _counters.Failures++;
        if (++_refetchAttempt >= _rules.RefetchAttemptsMax) _refetching = null;
        else _refetchAt = at.Now + Backoff(_refetchAttempt, at.Jitter);
    }

    private void CheckAll(TimeSpan now)
    {
        foreach (var feed in _feeds) Check(feed, now);
    }

    // Feed null: no longer of interest, or a refetch.
    private sealed class Outstanding(CollectionFeed<T>? feed, CollectionRequest sent)
    {
        public CollectionFeed<T>? Feed { get; set; } = feed;

        public CollectionRequest Sent => sent;

        /// <summary>True: a page that was asked for before the one in front of it was applied.</summary>
        public bool WasAhead { get; set; }

        public bool IsRefetch => sent.Kind == CollectionRequestKind.GetMany;
    }
}

using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>Owns one feed as the production shell does: the same calls in the same order, on virtual time.</summary>
internal sealed class OwnerDriver
{
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(100);
    private readonly NodeDriver _node;
    private readonly World _world;
    private readonly SequencerCore _core;
    private readonly PublisherDriver _publisher;
    private readonly FeedId _feed;
    private TimeSpan _renewAt, _heldUntil, _commitAt, _loadAt;
    private TimeSpan? _drainUntil;
    private int _calls, _loads, _commitFailures, _loadFailures, _resolveFailures;
    private bool _isRenewing, _isResolving, _isStopping, _isEnded;

    public OwnerDriver(NodeDriver node, FeedState state, TimeSpan asked)
    {
        (_node, _world, _feed) = (node, node.World, state.Lease.Feed);
        _core = new SequencerCore(state, _world.Store.Ledger.Info.History, node.Options, _world.LedgerFaults);
        _publisher = new PublisherDriver(node, state);
        _renewAt = Now + node.Options.LeaseRenewEvery;
        Held(asked);
        _publisher.Start();
        node.After(TickEvery, Tick);
    }

    private TimeSpan Now => _world.Schedule.Now;

    /// <summary>True while this is the owner that the ledger would let commit.</summary>
    public bool IsCurrent => !_isEnded && _core.Phase is SequencerPhase.Owning or SequencerPhase.Stopping
        && StoreModel.Done(_world.Store.Ledger.StatusAsync())[_feed.Value].Epoch == _core.Lease.Epoch;

    public bool IsDeposed => !_isEnded && _core.Phase == SequencerPhase.Owning && !IsCurrent;

    public bool IsOwning => IsCurrent && _core.Phase == SequencerPhase.Owning;

    public bool IsCommitting => _core.InFlight.Count > 0;

    public void Submit(IReadOnlyList<SimRequest> requests)
    {
        foreach (var request in requests)
        {
            if (_isEnded) _node.Refuse(request);
            else _core.Submit(request);
        }
        if (!_isEnded) Pump();
    }

    public void Stop()
    {
        if (_isEnded) return;
        _core.Stop();
        _drainUntil = Now + _node.Options.DrainTimeout;
        Pump();
    }

    private void Tick()
    {
        if (_isEnded) return;
        _core.Expire(Now);
        if (_drainUntil <= Now) GiveUp();
        if (_core.Phase is SequencerPhase.Owning or SequencerPhase.Stopping && Now >= _renewAt && !_isRenewing)
            Renew(_core.Lease);
        Pump();
        if (!_isEnded) _node.After(TickEvery, Tick);
    }

    private void GiveUp()
    {
        if (_isResolving || _core.InFlight.Count == 0) _core.LeaseLost();
        _isStopping = true;
    }

    private void Pump()
    {
        AnswerAll();
        if (_core.Phase == SequencerPhase.Resolving && !_isResolving)
        {
            (_isResolving, _resolveFailures) = (true, 0);
            if (_core.InFlight.Count > 1) _world.Coverage.Add("several groups resolved");
            _calls++;
            Resolve(_core.InFlight);
        }
        _core.IsLeaseCertain = Now < _heldUntil;
        while (Now >= _commitAt && _core.TryTakeGroup(_node.Wall, _world.Ids, _publisher.ToSave) is { } group)
            Commit(group);
        while (_loads < _node.Options.LoadsInFlightMax && Now >= _loadAt && _core.TryTakeLoad(out var ticket))
            Load(ticket);
        AnswerAll();
        CheckBounds();
        if (IsOver()) End();
    }

    private void CheckBounds()
    {
        var options = _node.Options;
        Bounds.Check("admitted writes", _core.Queued, options.QueuedWritesMax);
        Bounds.Check("bytes of admitted writes", _core.QueuedBytes, options.QueuedBytesMax);
        // What is pinned by a write that waits may exceed a cache, and only that.
        var kept = _core.Kept;
        Bounds.Check("heads", kept.Heads, options.HeadsCachedMax + _core.Queued);
        Bounds.Check("collections", kept.Collections, options.CollectionsCachedMax + _core.Queued);
        Bounds.Check("idempotency keys", kept.IdempotencyKeys, options.IdempotencyKeysCachedMax + _core.Queued);
        Bounds.Check("loads", _loads, options.LoadsInFlightMax);
    }

    private bool IsOver() => _calls == 0 && !_isEnded && (_core.Phase == SequencerPhase.Lost
        || (_drainUntil is { } until && (_core.IsIdle || Now >= until)));

    private void AnswerAll()
    {
        while (_core.TryTakeCommitted(out var facts)) _publisher.Append(facts);
        while (_core.TryTakeCompletion(out var completion)) _node.Answer(completion, IsCurrent);
    }

    private void Return(Action answer)
    {
        _calls--;
        answer();
        Pump();
    }

    private void Held(TimeSpan asked)
    {
        var until = asked + _node.Options.LeaseTtl;
        if (until > _heldUntil) _heldUntil = until;
    }

    private void Commit(FactGroup group)
    {
        _calls++;
        var asked = Now;
        if (_core.InFlight.Count > 1) _world.Coverage.Add("group begun ahead");
        _world.Store.Commit(_node, group, outcome => Return(() =>
        {
            if (outcome is CommitOutcome.Committed)
            {
                (_renewAt, _commitFailures) = (Now + _node.Options.LeaseRenewEvery, 0);
                Held(asked);
            }
            if (outcome is CommitOutcome.Failed) _commitAt = Now + _node.RetryDelay(++_commitFailures);
            if (outcome is CommitOutcome.Unknown && ++_commitFailures > 1)
                _commitAt = Now + _node.RetryDelay(_commitFailures - 1);
            if (outcome is CommitOutcome.TooEarly) _world.Coverage.Add("group too early");
            if (outcome is CommitOutcome.DataError && group.Facts.Count > 1)
                _world.Coverage.Add("group split by poison");
            _core.CommitReturned(group, outcome);
        }));
    }

    private void Load(LoadTicket ticket)
    {
        (_calls, _loads) = (_calls + 1, _loads + 1);
        _world.Store.Call(_node, store => store.LoadAsync(_feed, ticket.Request),
            loaded => Return(() =>
            {
                (_loads, _loadFailures) = (_loads - 1, 0);
                _core.Loaded(ticket, loaded);
            }),
            () => Return(() =>
            {
                _loads--;
                _loadAt = Now + _node.RetryDelay(++_loadFailures);
                _core.LoadFailed(ticket);
            }));
    }

    private void Renew(FeedLease lease)
    {
        (_isRenewing, _calls) = (true, _calls + 1);
        var asked = Now;
        _world.Store.Call(_node, store => store.RenewAsync(lease, _node.Options.LeaseTtl, _publisher.ToSave),
            isOurs =>
            {
                if (isOurs) Held(asked);
                Returned(isOurs, _node.Options.LeaseRenewEvery);
            },
            () => Returned(isOurs: true, TickEvery));

        void Returned(bool isOurs, TimeSpan next) => Return(() =>
        {
            (_isRenewing, _renewAt) = (false, Now + next);
            if (!isOurs && lease == _core.Lease && _core.Phase != SequencerPhase.Resolving) _core.LeaseLost();
        });
    }

    private void Resolve(IReadOnlyList<FactGroup> groups)
    {
        var asked = Now;
        _world.Store.Call(_node,
            store => store.AcquireAsync(_feed, _node.Options.Owner, _node.Options.LeaseTtl),
            state =>
            {
                if (state is null) ResolveFailed("another owner has the feed");
                else ReadBehind(groups, state, [], asked);
            },
            () => ResolveAgain(groups));
    }

    private void ReadBehind(IReadOnlyList<FactGroup> groups, FeedState state, List<Fact> found, TimeSpan asked)
    {
        var count = groups.Sum(group => group.Facts.Count);
        _world.Store.Call(_node,
            store => store.ReadFeedAsync(_feed, new(groups[0].Expected.Value + found.Count), count - found.Count,
                _node.Options.GroupBytesMax),
            page =>
            {
                found.AddRange(page.Facts);
                if (found.Count < count && page.Facts.Count > 0) ReadBehind(groups, state, found, asked);
                else Return(() => Resolved(state, found, asked));
            },
            () => ResolveAgain(groups));
    }

    private void ResolveAgain(IReadOnlyList<FactGroup> groups)
    {
        if (_isStopping) ResolveFailed("the writer stopped");
        else _node.After(_node.RetryDelay(++_resolveFailures), () => Resolve(groups));
    }

    private void ResolveFailed(string reason) => Return(() =>
    {
        _isResolving = false;
        if (_core.Phase == SequencerPhase.Resolving) _core.ResolveFailed(reason);
    });

    private void Resolved(FeedState state, List<Fact> found, TimeSpan asked)
    {
        _isResolving = false;
        Held(asked);
        if (_core.Phase != SequencerPhase.Resolving) return;
        _renewAt = Now + _node.Options.LeaseRenewEvery;
        _core.Resolved(state, found);
        AnswerAll();
        _publisher.TakenOver(state);
    }

    private void End()
    {
        _isEnded = true;
        var isLost = _core.Phase == SequencerPhase.Lost && _drainUntil is null;
        _core.LeaseLost();
        AnswerAll();
        Drain(isLost);
    }

    private void Drain(bool isLost)
    {
        if (_drainUntil is { } until && Now < until && !_publisher.IsDrained)
        {
            _node.After(TimeSpan.FromMilliseconds(10), () => Drain(isLost));
            return;
        }
        _publisher.Stop();
        _node.Ended(_feed);
        if (isLost) return;
        var (lease, published) = (_core.Lease, _publisher.ToSave);
        _world.Store.Call(_node, store =>
        {
            var call = store.ReleaseAsync(lease, published);
            return ValueTask.FromResult(call.IsCompletedSuccessfully);
        }, static _ => { }, static () => { });
    }
}

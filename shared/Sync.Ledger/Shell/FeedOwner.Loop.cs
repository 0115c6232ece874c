using Sync.Contracts;

namespace Sync.Ledger;

// Only for the loop: what it does in a turn, and the calls that it has under way.
internal sealed partial class FeedOwner
{
    private TimeSpan _renewAt;
    // Before this nobody else can have the lease: its time to live, from when it was last asked for with success.
    private TimeSpan _heldUntil;
    private TimeSpan _expireAt;
    private TimeSpan _commitAt;
    private TimeSpan _loadAt;
    private TimeSpan? _drainUntil;
    private int _calls;
    private int _loads;
    private int _commitFailures;
    private int _loadFailures;
    private bool _isRenewing;
    private bool _isResolving;
    private bool _isExpiring;

    // A call under way answers into the inbox: the loop outlives it, so that no acknowledgement of a commit is lost.
    private bool IsOver()
    {
        if (_calls > 0) return false;
        if (_core.Phase == SequencerPhase.Lost) return true;
        return _drainUntil is { } until && (_core.IsIdle || _parts.Clock.Steady >= until);
    }

    private void Pump()
    {
        AnswerAll();
        var now = _parts.Clock.Steady;
        if (_core.Phase == SequencerPhase.Resolving && !_isResolving) Begin(ResolveAsync(_core.InFlight));
        _core.IsLeaseCertain = now < _heldUntil;
        while (now >= _commitAt && _core.TryTakeGroup(_parts.Clock.Wall, _parts.Ids, _publisher.ToSave) is { } group)
            Begin(CommitAsync(group));
        while (_loads < _parts.Options.LoadsInFlightMax && now >= _loadAt && _core.TryTakeLoad(out var ticket))
            Begin(LoadAsync(ticket));
        AnswerAll();
        _queued = _core.Queued;
    }

    private void AnswerAll()
    {
        // First what all replicas wait for: the publisher then works beside the answers, not behind them.
        while (_core.TryTakeCommitted(out var facts))
        {
            _publisher.Append(facts);
            _parts.Changefeed?.Committed(Feed, facts);
        }
        while (_core.TryTakeCompletion(out var completion)) Answer(completion);
    }

    private void Tick()
    {
        _isTicked = false;
        var now = _parts.Clock.Steady;
        _core.Expire(now);
        if (_drainUntil <= now) GiveUp();
        if (_core.Phase is not (SequencerPhase.Owning or SequencerPhase.Stopping)) return;
        if (now >= _renewAt && !_isRenewing) Begin(RenewAsync(_core.Lease));
        if (now >= _expireAt && !_isExpiring) Begin(ExpireAsync());
    }

    private void Held(TimeSpan asked)
    {
        var until = asked + _parts.Options.LeaseTtl;
        if (until > _heldUntil) _heldUntil = until;
    }

    // The time to drain is over: loads and a resolution are called off, what waits is refused. A commit in flight is
    // still awaited.
    private void GiveUp()
    {
        if (_isResolving || _core.InFlight.Count == 0) _core.LeaseLost();
        if (!_stop.IsCancellationRequested) _stop.Cancel();
    }

    // The call's answer is posted as its last act, so nothing is left to await.
    private void Begin(Task call)
    {
        _calls++;
        _ = call;
    }

    private void Return(Action answer) => _inbox.Post(() =>
    {
        _calls--;
        answer();
    });

    private async Task CommitAsync(FactGroup group)
    {
        var clock = _parts.Clock;
        var (started, startedOn) = (clock.Steady, clock.Provider.GetUtcNow());
        CommitOutcome outcome;
        try
        {
            outcome = await _parts.Store.CommitAsync(group, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A store should not throw here; if it does, nobody knows what became of the group.
            outcome = new CommitOutcome.Unknown(exception.Message);
        }
        _parts.Metrics.Commit(group, outcome, clock.Steady - started);
        LedgerTraces.Commit(group, LedgerMetrics.NameOf(outcome), startedOn);
        Return(() => CommitReturned(group, outcome, started));
    }

    private void CommitReturned(FactGroup group, CommitOutcome outcome, TimeSpan asked)
    {
        var now = _parts.Clock.Steady;
        switch (outcome)
        {
            case CommitOutcome.Committed:
                _renewAt = now + _parts.Options.LeaseRenewEvery;
                _commitFailures = 0;
                Held(asked);
                break;
            case CommitOutcome.Failed failed:
                _commitAt = now + _parts.RetryDelay(++_commitFailures);
                _parts.Logger.CommitFailed(Feed, group.Facts.Count, failed.Detail);
                break;
            case CommitOutcome.Unknown unknown:
                // The first is resolved and tried again at once. A cause that stays, such as a store that finds itself
                // corrupt, must not make a loop of commits and take-overs.
                if (++_commitFailures > 1) _commitAt = now + _parts.RetryDelay(_commitFailures - 1);
                _parts.Logger.CommitUnknown(Feed, group.Facts.Count, unknown.Detail);
                break;
            case CommitOutcome.DataError error:
                _parts.Logger.DataError(Feed, group.Facts.Count, error.Detail);
                break;
        }
        _core.CommitReturned(group, outcome);
    }

    private async Task LoadAsync(LoadTicket ticket)
    {
        _loads++;
        try
        {
            var loaded = await _parts.Store.LoadAsync(Feed, ticket.Request, _stop.Token).ConfigureAwait(false);
            Return(() =>
            {
                _loads--;
                _loadFailures = 0;
                _core.Loaded(ticket, loaded);
            });
        }
        catch (Exception exception)
        {
            _parts.Logger.LoadFailed(Feed, exception);
            Return(() =>
            {
                _loads--;
                _loadAt = _parts.Clock.Steady + _parts.RetryDelay(++_loadFailures);
                _core.LoadFailed(ticket);
            });
        }
    }

    private async Task RenewAsync(FeedLease lease)
    {
        _isRenewing = true;
        var next = TickEvery;
        var isOurs = true;
        var asked = _parts.Clock.Steady;
        var isAnswered = false;
        try
        {
            isOurs = await _parts.Store.RenewAsync(lease, _parts.Options.LeaseTtl, _publisher.ToSave, _stop.Token)
                .ConfigureAwait(false);
            next = _parts.Options.LeaseRenewEvery;
            isAnswered = true;
        }
        catch (Exception exception)
        {
            _parts.Logger.RenewFailed(Feed, exception);
        }
        Return(() =>
        {
            _isRenewing = false;
            _renewAt = _parts.Clock.Steady + next;
            if (isAnswered && isOurs) Held(asked);
            // A take-over from ourselves in between makes the old lease invalid, not us.
            if (!isOurs && lease == _core.Lease && _core.Phase != SequencerPhase.Resolving) _core.LeaseLost();
        });
    }

    // After this the old epoch cannot commit: what is not there now never will be.
    private async Task ResolveAsync(IReadOnlyList<FactGroup> groups)
    {
        _isResolving = true;
        for (var failures = 0; ;)
        {
            try
            {
                var asked = _parts.Clock.Steady;
                var state = await _parts.Store
                    .AcquireAsync(Feed, _parts.Options.Owner, _parts.Options.LeaseTtl, _stop.Token)
                    .ConfigureAwait(false);
                if (state is null)
                {
                    Return(() => ResolveFailed("The connection was lost in the commit, and another owner has the feed."));
                    return;
                }
                var found = await ReadBehindAsync(groups[0].Expected, groups.Sum(group => group.Facts.Count))
                    .ConfigureAwait(false);
                Return(() => Resolved(state, found, asked));
                return;
            }
            catch (Exception exception)
            {
                _parts.Logger.ResolveFailed(Feed, exception);
                if (!await PauseAsync(++failures).ConfigureAwait(false))
                {
                    Return(() => ResolveFailed("The connection was lost in the commit, and the writer stopped."));
                    return;
                }
            }
        }
    }

    private async Task<List<Fact>> ReadBehindAsync(Position expected, int count)
    {
        var found = new List<Fact>(count);
        while (found.Count < count)
        {
            var after = new Position(expected.Value + found.Count);
            var missing = count - found.Count;
            var page = await _parts.Store
                .ReadFeedAsync(Feed, after, missing, _parts.Options.GroupBytesMax, _stop.Token)
                .ConfigureAwait(false);
            found.AddRange(page.Facts);
            if (page.Facts.Count == 0) break;
        }
        return found;
    }

    private void Resolved(FeedState state, List<Fact> found, TimeSpan asked)
    {
        _isResolving = false;
        Held(asked);
        if (_core.Phase != SequencerPhase.Resolving) return;
        Epoch = state.Lease.Epoch;
        _renewAt = _parts.Clock.Steady + _parts.Options.LeaseRenewEvery;
        _core.Resolved(state, found);
        AnswerAll();
        _publisher.TakenOver(state);
    }

    private void ResolveFailed(string reason)
    {
        _isResolving = false;
        if (_core.Phase == SequencerPhase.Resolving) _core.ResolveFailed(reason);
    }

    private async Task<bool> PauseAsync(int failures)
    {
        try
        {
            await Task.Delay(_parts.RetryDelay(failures), _parts.Clock.Provider, _stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task ExpireAsync()
    {
        _isExpiring = true;
        var hasMore = false;
        try
        {
            var before = Timestamp.From(_parts.Clock.Provider.GetUtcNow() - _parts.Options.IdempotencyKept);
            hasMore = await _parts.Store.ExpireIdempotencyAsync(Feed, before, ExpireFactsMax, _stop.Token)
                .ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            _parts.Logger.ExpireFailed(Feed, exception);
        }
        Return(() =>
        {
            _isExpiring = false;
            _expireAt = _parts.Clock.Steady + (hasMore ? TickEvery : ExpireEvery);
        });
    }

    private async Task EndAsync()
    {
        _inbox.Close();
        var isLost = _core.Phase == SequencerPhase.Lost && _drainUntil is null;
        _core.LeaseLost();
        _inbox.Drain(_core.Submit);
        // Only after a failure of the loop itself: nobody may be left waiting.
        _core.GiveUp("The feed's owner failed during the commit.");
        AnswerAll();
        _queued = 0;
        var drain = _drainUntil is { } until ? until - _parts.Clock.Steady : TimeSpan.Zero;
        await _publisher.StopAsync(drain).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        if (isLost)
        {
            _parts.Logger.Lost(Feed, Epoch);
            return;
        }
        try
        {
            await _parts.Store.ReleaseAsync(_core.Lease, _publisher.ToSave, CancellationToken.None)
                .ConfigureAwait(false);
            _parts.Logger.Released(Feed, _core.Position, _publisher.ToSave);
        }
        catch (Exception exception)
        {
            _parts.Logger.ReleaseFailed(Feed, exception);
        }
    }
}

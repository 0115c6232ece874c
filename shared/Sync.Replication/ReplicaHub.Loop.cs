using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The loop of a hub: grace that has passed, waits that ask, requests that are due; and what their answers
/// mean.</summary>
public sealed partial class ReplicaHub
{
    private const int HistoryPage = 500;
    private readonly Dictionary<FeedWait, TaskCompletionSource> _waiting = [];

    private async Task RunAsync()
    {
        using var timer = _time.CreateTimer(
            static hub => ((ReplicaHub)hub!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            while (true)
            {
                if (Pump() is { } due)
                {
                    var wait = due - Now;
                    timer.Change(wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
                }
                await _signal.Reader.ReadAsync(_stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Disposed.
        }
        catch (Exception error)
        {
            Log.LoopFailed(error);
        }
    }

    /// <summary>Does what is due now.</summary>
    /// <returns>When the next thing is; null = only a signal brings one.</returns>
    private TimeSpan? Pump()
    {
        var effects = new List<FeedEffect>();
        var (over, asks) = (new List<FeedWait>(), new List<FeedWait>());
        bool mustCheckAll;
        lock (_gate)
        {
            var now = Now;
            _tracker.Advance(now, effects);
            _waits.Advance(now, over, asks);
            mustCheckAll = _checkAllAt <= now;
            if (mustCheckAll) _checkAllAt = null;
        }
        Run(effects);
        foreach (var wait in over) End(wait, wait.State == FeedWaitState.Reached ? null : Elsewhere(wait));
        foreach (var wait in asks) ReplicaOf(wait.Member).Check(wait.Target, Now);
        if (mustCheckAll)
            foreach (var replica in All()) replica.Check(default, Now);

        while (true)
        {
            RefetchBatch batch;
            lock (_gate)
            {
                if (!_refetch.TryStart(Now, out batch))
                    return Earliest(Earliest(_tracker.NextDue, _waits.NextDue), Earliest(_refetch.NextDue, _checkAllAt));
            }
            _ = SendAsync(batch);
        }
    }

    // Never faults: whatever happens is an answer or a failure of the batch.
    private async Task SendAsync(RefetchBatch batch)
    {
        EnvelopeAnswer? answer = null;
        try
        {
            using var timeout = new CancellationTokenSource(_options.Refetch.RequestTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
            answer = await _source!.GetManyAsync(batch.Vault, batch.Items, either.Token).AsTask()
                .WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            if (!_stopping.IsCancellationRequested) Log.RefetchFailed(batch.Items.Count, batch.Vault, error);
        }
        if (answer is null)
        {
            lock (_gate) _refetch.Failed(batch, Now, _random.NextDouble());
            for (var index = 0; index < batch.Items.Count; index++) Fail(batch, index);
        }
        else
        {
            Settle(batch, answer);
        }
        Wake();
    }

    private void Settle(RefetchBatch batch, EnvelopeAnswer answer)
    {
        lock (_gate)
            _refetch.Answered(batch, answer.History, answer.Position, answer.Answered, Now, _random.NextDouble());
        var effects = new List<FeedEffect>();
        var next = 0; // envelopes come in the order asked, those that are not newer are left out
        for (var index = 0; index < batch.Items.Count; index++)
        {
            var key = batch.KeyOf(index);
            if (index < answer.Answered)
            {
                var isNewer = next < answer.Envelopes.Count && answer.Envelopes[next].Key == key;
                var envelope = isNewer ? answer.Envelopes[next++] : null;
                if (batch.Outcomes[index] != RefetchOutcome.Cancelled)
                    Deliver(key, batch.Items[index].Have, envelope, answer, effects);
            }
            if (batch.Outcomes[index] == RefetchOutcome.GaveUp) Fail(batch, index);
        }
        Run(effects);
    }

    // One step for a key's replicas and its place in the queue: a request between the two would be taken for
    // answered.
    private void Deliver(
        SyncedKey key, Sequence have, Envelope? envelope, EnvelopeAnswer answer, List<FeedEffect> effects)
    {
        lock (_gate)
        {
            if (!_groups.TryGetValue(key, out var group)) return;
            var again = _refetch.IsPending(key);
            foreach (var replica in group.Replicas)
                if (replica.Answered(envelope, have, answer.History, again))
                    _tracker.Answered(replica.Member, answer.Feed, answer.History, answer.Position, Now, effects);
        }
    }

    private void Fail(RefetchBatch batch, int index)
    {
        if (batch.Outcomes[index] == RefetchOutcome.Cancelled) return;
        var isLast = batch.Outcomes[index] == RefetchOutcome.GaveUp;
        lock (_gate)
        {
            if (!_groups.TryGetValue(batch.KeyOf(index), out var group)) return;
            foreach (var replica in group.Replicas) Failed(replica, isLast);
        }
        if (isLast) Log.RecoveryFailed(batch.KeyOf(index));
    }

    // Under the gate.
    private void Failed(Replica replica, bool isLast)
    {
        replica.RefetchFailed(isLast);
        if (isLast) _failed.Add(replica);
    }

    private void Run(List<FeedEffect> effects)
    {
        if (effects.Count == 0) return;
        TimeSpan spread;
        lock (_gate) spread = Now + Spread(); // one for all of a beat, so that they go out together
        foreach (var effect in effects)
            switch (effect.Kind)
            {
                case FeedEffectKind.Check: ReplicaOf(effect.Member!).Check(effect.At, spread); break;
                case FeedEffectKind.TailGap: ReplicaOf(effect.Member!).TailGap(effect.At); break;
                case FeedEffectKind.HistoryReplaced: Reset(effect, spread); break;
                case FeedEffectKind.BeatHeard: Restart(effect.Feed); break;
            }
    }

    private void Reset(FeedEffect effect, TimeSpan due)
    {
        List<FeedMember> members;
        lock (_gate) members = [.. _tracker.MembersOf(effect.Feed)];
        foreach (var member in members) ReplicaOf(member).HistoryReplaced(effect.History, due);
    }

    private void Restart(FeedId feed)
    {
        List<Replica> failed;
        lock (_gate)
        {
            if (_failed.Count == 0) return;
            failed = [.. _failed.Where(replica => replica.Member.Feed is not { } other || other == feed)];
            _failed.ExceptWith(failed);
        }
        foreach (var replica in failed) replica.BeatHeard();
    }

    internal async Task WaitForAsync(
        Replica replica, FeedPosition position, TimeSpan? timeout, CancellationToken cancellation)
    {
        var wait = new FeedWait(replica.Member, position);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Increment(ref replica.Waiters); // before the look: an apply in between wakes the hub
        try
        {
            lock (_gate)
            {
                if (replica.Member.HasLeft) throw Gone(replica);
                if (!_waits.TryAdd(wait, Now))
                    throw new SyncException(
                        SyncErrorCode.Exhausted, $"{FeedWaits.CountMax} callers wait for positions already", true);
                if (wait.State == FeedWaitState.Reached) return;
                if (wait.State == FeedWaitState.Elsewhere) throw Elsewhere(wait);
                _waiting.Add(wait, done);
            }
            Wake();
            await done.Task.WaitAsync(timeout ?? Timeout.InfiniteTimeSpan, _time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException error)
        {
            throw new SyncException(SyncErrorCode.Exhausted,
                $"{replica.Key} is not known to be current as of {position} after {timeout}", isTransient: true, error);
        }
        finally
        {
            Interlocked.Decrement(ref replica.Waiters);
            lock (_gate)
                if (_waiting.Remove(wait)) _waits.Remove(wait);
        }
    }

    private void End(FeedWait wait, SyncException? error)
    {
        TaskCompletionSource? done;
        lock (_gate)
        {
            if (!_waiting.Remove(wait, out done)) return;
            _waits.Remove(wait);
        }
        if (error is null) done.TrySetResult();
        else done.TrySetException(error);
    }

    /// <summary>Fetches what a backfill missed and feeds it in order; at the time limit the newest is
    /// taken.</summary>
    internal void FetchHistory(Replica replica, Sequence after, Sequence upTo, int round) =>
        _ = FetchHistoryAsync(replica, after, upTo, round);

    private async Task FetchHistoryAsync(Replica replica, Sequence after, Sequence upTo, int round)
    {
        var isComplete = false;
        try
        {
            using var timeout = new CancellationTokenSource(_options.BackfillTimeout, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stopping.Token);
            await _backfills.WaitAsync(either.Token).ConfigureAwait(false);
            try
            {
                await FeedHistoryAsync(replica, after, upTo, either.Token).ConfigureAwait(false);
                isComplete = true;
            }
            finally
            {
                _backfills.Release();
            }
        }
        catch (Exception error)
        {
            if (!_stopping.IsCancellationRequested) Log.BackfillFailed(replica.Key, after, error);
        }
        replica.HistoryEnded(round, isComplete);
    }

    private async Task FeedHistoryAsync(Replica replica, Sequence after, Sequence upTo, CancellationToken cancellation)
    {
        while (after < upTo)
        {
            var page = await GetHistoryAsync(replica.Key, after, cancellation).ConfigureAwait(false);
            if (page.Count == 0) return; // below the floor, or not there: what is held follows as it is
            foreach (var envelope in page)
            {
                replica.Receive(envelope, EnvelopeOrigin.History);
            }
            if (page[^1].Sequence <= after) return; // a page that does not advance would be asked for again for ever
            after = page[^1].Sequence;
        }
    }

    private async Task<IReadOnlyList<Envelope>> GetHistoryAsync(
        SyncedKey key, Sequence after, CancellationToken cancellation)
    {
        for (var wait = _options.Refetch.BackoffMin; ; wait *= 2)
        {
            try
            {
                return await ((IHistorySource)_source!).GetHistoryAsync(key, after, HistoryPage, cancellation)
                    .ConfigureAwait(false);
            }
            catch (SyncException) when (wait < _options.Refetch.BackoffMax)
            {
                await Task.Delay(wait, _time, cancellation).ConfigureAwait(false);
            }
        }
    }

    private static Replica ReplicaOf(FeedMember member) => (Replica)member.Marks;

    private static TimeSpan? Earliest(TimeSpan? left, TimeSpan? right) =>
        left is null ? right : right is null || left < right ? left : right;

    private static SyncException Gone(Replica replica) =>
        new(SyncErrorCode.Stopped, $"The replica of {replica.Key} was disposed.");

    private static SyncException Elsewhere(FeedWait wait) => new(SyncErrorCode.Invalid,
        $"{wait.Target} is of another feed or history than {wait.Member.Key}; wait with a receipt of this key's vault");
}

using Sync.Contracts;
using Sync.Ledger;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>The way back to the writer: what is due is sent; what comes, late or never, is settled.</summary>
internal sealed partial class HostDriver
{
    private const int AnswerBytesMax = 1 << 20;
    private static readonly TimeSpan BackfillTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Fetches what a backfill missed, and feeds it in order.</summary>
    public void FetchHistory(ReplicaDriver replica, Sequence after, Sequence upTo, int round)
    {
        var isOver = false;
        After(BackfillTimeout, () => End(complete: false));
        Ask(ledger => ledger.HistoryAsync(replica.Key, after, limit: 500, AnswerBytesMax), page =>
        {
            if (isOver) return;
            foreach (var fact in page.Facts) replica.Receive(fact.ToEnvelope(page.History), EnvelopeOrigin.History);
            End(complete: true);
        }, () => End(complete: false));

        void End(bool complete)
        {
            if (isOver) return;
            isOver = true;
            if (_replicas.Contains(replica)) replica.HistoryEnded(round, complete);
        }
    }

    private void Wake() => PumpAt(Now);

    // One pump is planned at a time, at the earliest of what was asked for.
    private void PumpAt(TimeSpan due)
    {
        if (due >= _pumpAt) return;
        _pumpAt = due;
        After(due - Now, () =>
        {
            if (_pumpAt != due) return;
            _pumpAt = TimeSpan.MaxValue;
            Pump();
        });
    }

    private void Pump()
    {
        var effects = new List<FeedEffect>();
        _tracker.Advance(Now, effects);
        Run(effects);
        if (_checkAllAt <= Now)
        {
            _checkAllAt = null;
            foreach (var replica in _replicas.ToList()) replica.Check(default, Now);
        }
        while (_refetch.TryStart(Now, out var batch)) Send(batch);
        Bounds.Check("refetches under way", _refetch.InFlight, World.Plan.Refetch.RequestsInFlightMax);
        Bounds.Check("keys to refetch", _refetch.KeyCount, World.Plan.Refetch.KeysMax);
        if (_tracker.NextDue is { } grace) PumpAt(grace);
        if (_refetch.NextDue is { } due) PumpAt(due);
        if (_checkAllAt is { } check) PumpAt(check);
    }

    private void Send(RefetchBatch batch)
    {
        var isOver = false;
        World.Trace.Add("refetch", batch.Items.Count, batch.Items[0].Have.Value);
        After(World.Plan.Refetch.RequestTimeout, () => End(null));
        // A small limit cuts the answer: the rest is asked for again.
        var bytesMax = Random.Chance(85) ? AnswerBytesMax : 1;
        Ask(ledger => ledger.GetManyAsync(batch.Vault, batch.Items, bytesMax), End, () => End(null));

        void End(EnvelopeAnswer? answer)
        {
            if (isOver) return;
            isOver = true;
            if (answer is null) Fail(batch);
            else Settle(batch, answer);
            Wake();
            CheckFreshness();
        }
    }

    /// <summary>Any writer answers reads; the ways there and back take time, and either may lose what is on it. The asker
    /// has a time-out of its own.</summary>
    public void Ask<T>(Func<MemoryLedgerStore, ValueTask<T>> read, Action<T> answered, Action failed)
    {
        if (!Link.IsUp)
        {
            After(Random.Between(0.1, 2), failed);
            return;
        }
        if (Link.IsMute || World.IsStruck(FaultKinds.RefetchLost, Random)) return;
        var epoch = Link.Epoch;
        World.Schedule.After(Latency(), () =>
        {
            if (World.Responder(Random) is not { } writer)
            {
                After(Latency(), failed);
                return;
            }
            writer.Enter(() =>
            {
                if (writer.IsStoreMute || writer.IsStoreDeaf || !writer.Link.Arrives) return;
                var answer = StoreModel.Done(read(World.Store.Ledger));
                if (World.IsStruck(FaultKinds.RefetchLost, Random)) return;
                World.Schedule.After(Latency(), () =>
                {
                    if (epoch == Link.Epoch && !Link.IsDeaf) Enter(() => answered(answer));
                });
            });
        });
    }

    private void Fail(RefetchBatch batch)
    {
        _refetch.Failed(batch, Now, Random.Unit());
        for (var index = 0; index < batch.Items.Count; index++) Fail(batch, index);
    }

    private void Settle(RefetchBatch batch, EnvelopeAnswer answer)
    {
        _refetch.Answered(batch, answer.History, answer.Position, answer.Answered, Now, Random.Unit());
        var effects = new List<FeedEffect>();
        var next = 0;
        for (var index = 0; index < batch.Items.Count; index++)
        {
            var key = batch.KeyOf(index);
            if (index < answer.Answered)
            {
                var envelope = next < answer.Envelopes.Count && answer.Envelopes[next].Key == key
                    ? answer.Envelopes[next++] : null;
                if (batch.Outcomes[index] != RefetchOutcome.Cancelled)
                    Deliver(key, batch.Items[index].Have, envelope, answer, effects);
            }
            if (batch.Outcomes[index] == RefetchOutcome.GaveUp) Fail(batch, index);
        }
        Run(effects);
    }

    private void Deliver(SyncedKey key, Sequence have, Envelope? envelope, EnvelopeAnswer answer,
        List<FeedEffect> effects)
    {
        if (!_groups.TryGetValue(key, out var group)) return;
        var again = _refetch.IsPending(key);
        World.Trace.Add("answered", have.Value, envelope?.Sequence.Value ?? -1, answer.Position.Value);
        foreach (var replica in group)
            if (replica.Answered(envelope, have, answer.History, again))
                _tracker.Answered(replica.Member, answer.Feed, answer.History, answer.Position, Now, effects);
    }

    private void Fail(RefetchBatch batch, int index)
    {
        if (batch.Outcomes[index] == RefetchOutcome.Cancelled
            || !_groups.TryGetValue(batch.KeyOf(index), out var group)) return;
        foreach (var replica in group) Failed(replica, batch.Outcomes[index] == RefetchOutcome.GaveUp);
    }

    private void Failed(ReplicaDriver replica, bool isLast)
    {
        replica.RefetchFailed(isLast);
        if (isLast && !_failed.Contains(replica)) _failed.Add(replica);
    }

    private TimeSpan Latency() => World.IsStruck(FaultKinds.RefetchSlow, Random)
        ? Random.Between(5, 600) : Random.Between(0.2, 4);
}

using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>One replica as the production shell drives its core: a step, then what readers see, then what the step
/// asked for.</summary>
internal sealed class ReplicaDriver : IReplicaMarks
{
    private readonly HostDriver _host;
    private readonly ReplicaWitness _witness;
    private readonly int _heldMax;

    public ReplicaDriver(HostDriver host, SyncedKey key, SimSchema schema, GapPolicy gaps, int heldMax)
    {
        _host = host;
        Core = new ReplicaCore<long>(key, schema, new ReplicaRules
        {
            Expected = schema.Version,
            Gaps = gaps,
            BackfillHeldMax = heldMax,
            Faults = host.World.ReplicaFaults,
        });
        (Gaps, _heldMax) = (gaps, heldMax);
        Member = new FeedMember(key, this);
        _witness = new ReplicaWitness(host.World, this);
    }

    public ReplicaCore<long> Core { get; }

    public GapPolicy Gaps { get; }

    public FeedMember Member { get; }

    public SyncedKey Key => Core.Key;

    public FeedFreshness Freshness => _host.FreshnessOf(this);

    ReplicaMarks IReplicaMarks.Read() => Core.Marks;

    public void Receive(Envelope envelope, EnvelopeOrigin origin)
    {
        _witness.Arriving();
        var effects = Core.Receive(envelope, origin);
        _witness.Arrived(envelope, origin, effects);
        Finish(effects);
    }

    /// <summary>A seed's own wish to refetch waits for the subscription.</summary>
    public void Plant(Envelope seed)
    {
        _witness.Came(seed);
        var effects = Core.Receive(seed, EnvelopeOrigin.Seed);
        _witness.See(effects);
    }

    public bool Answered(Envelope? envelope, Sequence have, HistoryId history, bool again)
    {
        if (envelope is not null) _witness.Came(envelope);
        var effects = Core.Answered(envelope, have, history, again);
        Finish(effects);
        return (effects & ReplicaEffects.Settled) != 0;
    }

    public void RefetchFailed(bool isLast)
    {
        if (isLast) _witness.RecoveryFailed();
        Finish(Core.RefetchFailed(isLast));
    }

    public void RefetchBegan() => Finish(Core.RefetchBegan());

    public void Check(FeedPosition need, TimeSpan due) => Finish(Core.Check(need), due);

    public void TailGap(FeedPosition named) => Finish(Core.TailGap(named));

    public void BeatHeard() => Finish(Core.BeatHeard());

    public void HistoryReplaced(HistoryId history, TimeSpan due) => Finish(Core.HistoryReplaced(history), due);

    public void HistoryEnded(int round, bool complete)
    {
        if (!complete) _witness.MayJump();
        Finish(Core.HistoryEnded(round, complete));
    }

    public void CheckFreshness() => _witness.CheckFreshness();

    public void CheckAtRest() => _witness.CheckAtRest();

    private void Finish(ReplicaEffects effects, TimeSpan due = default)
    {
        _witness.See(effects);
        Bounds.Check("envelopes held back", Core.Held, _heldMax);
        while (Gaps == GapPolicy.Backfill && Core.TryReleaseHeld(out var released))
        {
            _witness.See(released);
            effects |= released;
        }
        if ((effects & ReplicaEffects.Refetch) != 0) _host.Request(this, Core.Have, Core.Need, due);
        if ((effects & ReplicaEffects.FetchHistory) != 0)
            _host.FetchHistory(this, Core.Sequence, Core.Seen, Core.BackfillRound);
    }
}

using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation;

/// <summary>Watches one replica as its readers do, and holds what it sees against the ledger: R5, R6, and that the way
/// back is neither forgotten nor walked for ever. It trusts none of the replica's own marks but what a reader is
/// shown.</summary>
internal sealed class ReplicaWitness(World world, ReplicaDriver replica)
{
    private readonly HashSet<long> _asked = [];
    private Sequence _shown = Sequence.Unknown;
    private bool _mayJump = true;
    private long _seen = -1;
    private long _gapsBefore;
    private long _resets;
    private HistoryId _history;

    private string Name => $"the replica of {replica.Key}";

    public void Arriving() => _gapsBefore = replica.Core.Counters.Gaps;

    public void Arrived(Envelope envelope, EnvelopeOrigin origin, ReplicaEffects effects)
    {
        if (envelope.Key != replica.Key) return;
        if (origin == EnvelopeOrigin.Live) CheckNoticed(envelope, effects);
        else Note(envelope, isReset: false);
        if (origin != EnvelopeOrigin.Live || (effects & ReplicaEffects.Refused) == 0) return;
        if (_resets != replica.Core.Counters.Resets) _asked.Clear();
        _resets = replica.Core.Counters.Resets;
        // A refusal is asked about once; only a failed recovery, or a new head, is a reason to ask again.
        if ((effects & ReplicaEffects.Refetch) == 0) return;
        Violation.Unless(_asked.Add(envelope.Sequence.Value), Invariants.NoStorm,
            () => $"{Name} asks again about sequence {envelope.Sequence}, which it had refused");
    }

    /// <summary>A seed or an answer: what lies before it is not missed.</summary>
    public void Came(Envelope envelope) => Note(envelope, isReset: false);

    public void RecoveryFailed() => _asked.Clear();

    /// <summary>A backfill was abandoned for the newest.</summary>
    public void MayJump() => _mayJump = true;

    /// <summary>What a reader sees after a step.</summary>
    public void See(ReplicaEffects effects)
    {
        var core = replica.Core;
        if ((effects & ReplicaEffects.Reset) != 0) (_shown, _mayJump) = (Sequence.Unknown, true);
        if ((effects & (ReplicaEffects.Applied | ReplicaEffects.Cleared | ReplicaEffects.Reset)) == 0
            && core.Sequence == _shown) return;
        Violation.Unless(core.Sequence >= _shown, Invariants.Forward,
            () => $"{Name} went from {_shown} back to {core.Sequence}");
        if (core.Sequence > Sequence.None) CheckShown();
        if (replica.Gaps == GapPolicy.Backfill) CheckInOrder();
        _shown = core.Sequence;
        world.Trace.Add("shown", core.Sequence.Value, core.At.Position.Value, (long)core.Status);
    }

    /// <summary>"Current as of position P" means that the head as of P is what is shown.</summary>
    public void CheckFreshness()
    {
        var fresh = replica.Freshness;
        if (!fresh.IsKnown) return;
        var core = replica.Core;
        var head = world.Ledger.Of(fresh.At.History).HeadAsOf(replica.Key, fresh.At.Position);
        Violation.Unless(core.At.History != fresh.At.History
            || (head?.Sequence.Value ?? 0) <= Math.Max(core.Sequence.Value, 0),
            Invariants.Fresh,
            () => $"{Name} shows {core.Sequence} as current as of {fresh.At}; {head?.Sequence} is at {head?.Position}");
        Violation.Unless(!fresh.IsCurrent || core.Seen <= core.Sequence, Invariants.Fresh,
            () => $"{Name} says it is current, has seen {core.Seen} and shows {core.Sequence}");
    }

    /// <summary>The world has been quiet for the stated time.</summary>
    public void CheckAtRest()
    {
        var (core, head) = (replica.Core, world.Ledger.Now.HeadOf(replica.Key));
        var fresh = replica.Freshness;
        if (head is not null && head.Op != ChangeOp.Delete && !SimValue.Passes(head))
        {
            // "Ok" is the last apply: of an older value that came later than the refused head.
            var isKnown = core.Seen == head.Sequence && core.Status is (ReplicaStatus.Skew or ReplicaStatus.Ok);
            Violation.Unless(isKnown && !fresh.IsCurrent, Invariants.Converged,
                () => $"{Name}: the head {head.Sequence} cannot pass; it is {core.Status}, showing {core.Sequence}");
            return;
        }
        Violation.Unless(core.Sequence.Value == (head?.Sequence.Value ?? 0) && core.Status == ReplicaStatus.Ok,
            Invariants.Converged,
            () => $"{Name} shows {core.Sequence} as {core.Status} (seen {core.Seen}, needs {core.Need}); "
                + $"the head is {head?.Sequence.Value ?? 0} at {head?.Position}");
        Violation.Unless(core.HasValue == (head is not null && head.Op != ChangeOp.Delete), Invariants.Converged,
            () => $"{Name} has {(core.HasValue ? "a" : "no")} value at sequence {core.Sequence}");
        Violation.Unless(fresh.IsCurrent && fresh.At.History == world.Store.Ledger.Info.History, Invariants.Fresh,
            () => $"{Name} equals the head and is not said to be current ({fresh.At})");
        CheckFreshness();
    }

    private void CheckShown()
    {
        var core = replica.Core;
        var fact = world.Ledger.Of(core.At.History).FactOf(replica.Key, core.Sequence);
        Violation.Unless(fact is not null, Invariants.Shown,
            () => $"{Name} shows sequence {core.Sequence} of {core.At}, which is not in the ledger");
        if (!core.HasValue)
        {
            Violation.Unless(fact!.Op == ChangeOp.Delete, Invariants.Shown,
                () => $"{Name} shows nothing at {core.Sequence}");
            world.Coverage.Add("tombstone applied");
            return;
        }
        Violation.Unless(SimValue.Passes(fact!) && SimValue.IdOf(fact!.Value) == core.Value, Invariants.Shown,
            () => $"{Name} shows value {core.Value} at {core.Sequence}, a {fact!.Op} of version {fact.SchemaVersion}");
    }

    // Whoever asked for every change gets every change that passes, but where a backfill was abandoned.
    private void CheckInOrder()
    {
        var core = replica.Core;
        // What a restore took away cannot be fetched any more.
        var isGone = core.At.History != world.Store.Ledger.Info.History;
        var isAbandoned = _mayJump || isGone || core.Counters.BackfillsAbandoned > 0;
        var isWhole = !isAbandoned && _shown >= Sequence.None;
        for (var missed = _shown.Next; isWhole && missed < core.Sequence; missed = missed.Next)
        {
            var fact = world.Ledger.Of(core.At.History).FactOf(replica.Key, missed)!;
            Violation.Unless(fact.Op != ChangeOp.Delete && !SimValue.Passes(fact), Invariants.InOrder,
                () => $"{Name} went from {_shown} to {core.Sequence} without {missed}");
        }
        if (!isAbandoned && _shown > Sequence.None && core.Sequence > _shown.Next)
            world.Coverage.Add("backfill past a refused change");
        if (!isAbandoned && core.Counters.Gaps > 0) world.Coverage.Add("backfill in order");
        _mayJump = false;
    }

    // A skipped sequence, by our own count of what came, is counted by the replica too.
    private void CheckNoticed(Envelope envelope, ReplicaEffects effects)
    {
        var known = Note(envelope, (effects & ReplicaEffects.Reset) != 0);
        if (known < 0 || envelope.Sequence.Value <= known + 1 || replica.Core.Counters.Gaps > _gapsBefore) return;
        Violation.Unless((effects & (ReplicaEffects.Applied | ReplicaEffects.Cleared)) == 0, Invariants.Noticed,
            () => $"{Name} took sequence {envelope.Sequence} behind {known} without noticing");
    }

    private long Note(Envelope envelope, bool isReset)
    {
        if (envelope.History != _history || isReset) (_history, _seen) = (envelope.History, -1);
        var known = _seen;
        // What resets a replica is not taken: the next is its first.
        if (!isReset) _seen = Math.Max(known, envelope.Sequence.Value);
        return known;
    }
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The gate of one replica: inputs in, effects out, nothing else. It has no clock, lock, task or random
/// source, so the simulation drives it step by step; <c>Replica</c> is its shell. One call at a time (the shell's
/// duty).
/// <para>Invariants: a value that failed a gate is never in <see cref="Value"/>; <see cref="Sequence"/> never goes
/// back but by a reset; <see cref="Sequence"/> and <see cref="Value"/> change together. <c>seen</c> is the highest
/// mark that arrived, applied or refused: it finds gaps, and while it is ahead of what is applied the replica is not
/// current.</para></summary>
/// <typeparam name="T">The model.</typeparam>
public sealed partial class ReplicaCore<T>
{
    private readonly SyncSchema<T> _schema;
    private readonly ReplicaRules _rules;
    private readonly HeldEnvelopes? _held;
    private SchemaVersion _expected;
    private string? _passedText;               // a version that passed; null passes always
    private SchemaVersion _refusedMajor;       // a skew of this major was refetched: the head's major is known to be it
    private Sequence _refusedOnce;             // a refusal up to here was refetched: again only when the head changes
    private Sequence _refusedHead;             // the writer's own answer up to here was refused: ask only for newer
    private Sequence _refusedTo;               // a refusal up to here came in its turn: nothing is missing below it
    private Sequence _historyTo, _historyFrom; // how far the key's history came, and had come when the round began
    private Position _need;
    private bool _recovering, _recoveryFailed, _disposed;
    private ReplicaCounters _counters;

    /// <summary>A replica before its first value: sequence -1, no schema version, stale.</summary>
    /// <param name="key">The subscribed key.</param>
    /// <param name="schema">The parse gate.</param>
    /// <param name="rules">Validated rules.</param>
    public ReplicaCore(SyncedKey key, SyncSchema<T> schema, ReplicaRules rules)
    {
        ArgumentNullException.ThrowIfNull(schema);
        ArgumentNullException.ThrowIfNull(rules);
        rules.Validate();
        (Key, _schema, _rules, _expected) = (key, schema, rules, rules.Expected);
        _held = rules.Gaps == GapPolicy.Backfill ? new HeldEnvelopes(rules.BackfillHeldMax) : null;
        ForgetMarks(default);
    }

    /// <summary>The subscribed key.</summary>
    public SyncedKey Key { get; }

    /// <summary>The last good value; default when there is none.</summary>
    public T? Value { get; private set; }

    /// <summary>True while there is a value to read.</summary>
    public bool HasValue { get; private set; }

    /// <summary>Applied sequence; -1 before the first, 0 = known absent.</summary>
    public Sequence Sequence { get; private set; }

    /// <summary>Schema version of the applied envelope; null text before the first.</summary>
    public SchemaVersion SchemaVersion { get; private set; }

    /// <summary>Feed and position of the applied envelope; zero where not carried.</summary>
    public FeedPosition At { get; private set; }

    /// <summary>Transaction time of the applied envelope.</summary>
    public Timestamp Time { get; private set; }

    /// <summary>How the replica stands.</summary>
    public ReplicaStatus Status { get; private set; }

    /// <summary>Highest sequence that arrived, applied or refused; -1 = none.</summary>
    public Sequence Seen { get; private set; }

    /// <summary>Feed, history and highest position that arrived; zero where not carried.</summary>
    public FeedPosition SeenAt { get; private set; }

    /// <summary>True when nothing newer than the applied value has arrived.</summary>
    public bool IsCurrent => Sequence >= Sequence.None && Seen <= Sequence;

    /// <summary>What the feed tracker must know.</summary>
    public ReplicaMarks Marks => new(At, SeenAt, _counters.Resets, IsCurrent);

    /// <summary>True when no recovery is in flight.</summary>
    public bool IsIdle => !_recovering && _held is not { IsOpen: true };

    /// <summary>What the parse gate said of the last value it refused; null when there was none since a
    /// skew.</summary>
    public string? LastError { get; private set; }

    /// <summary>What to name as had in a refetch: the applied sequence, or a refused head that the writer itself
    /// confirmed.</summary>
    public Sequence Have => _refusedHead > Sequence ? _refusedHead : Sequence;

    /// <summary>An answer that stands below this position was read too early to settle the recovery; 0 = any will
    /// do.</summary>
    public FeedPosition Need => SeenAt with { Position = _need };

    /// <summary>Number of the latest backfill; 0 = none yet.</summary>
    public int BackfillRound { get; private set; }

    /// <summary>Envelopes that a backfill holds back; at most <see cref="ReplicaRules.BackfillHeldMax"/>.</summary>
    public int Held => _held?.Count ?? 0;

    /// <summary>What was counted.</summary>
    public ReplicaCounters Counters => _counters;

    /// <summary>Value and metadata as readers see them.</summary>
    public ReplicaMetadata Metadata => new(SchemaVersion, Sequence, Status, HasValue, At, Time);

    /// <summary>Takes one envelope through the gate.</summary>
    /// <param name="envelope">Live, seed, answer or history.</param>
    /// <param name="origin">Where it comes from.</param>
    public ReplicaEffects Receive(Envelope envelope, EnvelopeOrigin origin)
    {
        // 1. Whose it is.
        if (_disposed) return ReplicaEffects.None;
        if (envelope.Key != Key && !_rules.Faults.WrongKeyAccepted)
        {
            _counters.WrongKey++;
            return ReplicaEffects.None;
        }
        var before = Status;
        return Noted(Gate(envelope, origin), before);
    }

    private ReplicaEffects Gate(Envelope envelope, EnvelopeOrigin origin)
    {
        // 2. History. Only the writer knows which of two histories lives: a live envelope resets and asks, an answer
        // decides.
        var effects = ReplicaEffects.None;
        if (IsOtherHistory(envelope.History))
        {
            effects = ResetTo(envelope.History);
            if (origin == EnvelopeOrigin.Live && _rules.CanRefetch)
            {
                See(envelope);
                return effects | Recover(envelope.Position);
            }
        }

        if (origin == EnvelopeOrigin.History && envelope.Sequence > _historyTo) _historyTo = envelope.Sequence;

        // 3. Sequence gate: what is late is worth neither a gate nor a counter of skews.
        if (envelope.Sequence <= Sequence && !(_rules.Faults.ApplyBelowSequence && origin == EnvelopeOrigin.Answer))
        {
            if (origin == EnvelopeOrigin.Answer && envelope.Sequence == Sequence) return effects | Confirm();
            _counters.IgnoredStale++;
            return effects | RecoverIfFailed();
        }
        if (envelope.IsKnownAbsent) return effects | KnownAbsent(envelope, origin);

        // Held back until the missed ones are there: counted now, gated when it is its turn.
        if (_held is not null && origin != EnvelopeOrigin.History && (_held.IsOpen || IsGap(envelope)))
            return effects | Hold(envelope);

        // 4. A tombstone has no value to gate.
        if (envelope.IsTombstone)
            return _rules.Faults.TombstoneIgnored ? effects : effects | Apply(envelope, origin, default, hasValue: false);
        if (_rules.Faults.SequenceAdvancedBeforeParse) Sequence = envelope.Sequence;

        // 5. Schema-major gate: off when either side has no well-formed major.
        if (IsOtherMajor(envelope.SchemaVersion))
        {
            _counters.SchemaSkews++;
            LastError = null;
            return effects | Refuse(envelope, origin, isMajor: true);
        }

        // 6. Parse gate.
        var parsed = Parse(envelope);
        if (!parsed.IsOk)
        {
            _counters.ParseErrors++;
            LastError = parsed.Error;
            return effects | Refuse(envelope, origin, isMajor: false);
        }
        return effects | Apply(envelope, origin, parsed.Value, hasValue: true);
    }

    // Most envelopes of a key carry one and the same version text, and that one is not taken apart again.
    private bool IsOtherMajor(SchemaVersion version)
    {
        if (version.Text == _passedText) return false;
        if (!version.AllowsMajorOf(_expected)) return true;
        _passedText = version.Text;
        return false;
    }

    // A schema must not throw; one that does is a parse error like any other, and harms no other replica of the key.
    private ParseResult<T> Parse(Envelope envelope)
    {
        try
        {
            return envelope.Parse(_schema);
        }
        catch (Exception error)
        {
            return ParseResult<T>.Err($"the schema threw {error.GetType().Name}: {error.Message}");
        }
    }

    // 7. and 8. A gap's envelope is a newer full object, so it is applied either way.
    private ReplicaEffects Apply(Envelope envelope, EnvelopeOrigin origin, T? value, bool hasValue)
    {
        var isGap = origin != EnvelopeOrigin.Answer && origin != EnvelopeOrigin.History && IsGap(envelope);
        if (isGap) _counters.Gaps++;
        See(envelope);
        (Value, HasValue, Sequence, SchemaVersion) = (value, hasValue, envelope.Sequence, envelope.SchemaVersion);
        (At, Time) = (new(envelope.Feed, envelope.History, envelope.Position), envelope.Time);
        _counters.Applied++;
        if (_refusedTo > Sequence) _refusedTo = Sequence; // refused before there was a value: what lies between may come yet
        if (hasValue) _refusedMajor = default;
        _recoveryFailed = false;
        Status = IsIdle ? ReplicaStatus.Ok : ReplicaStatus.Refetching;
        var effects = hasValue ? ReplicaEffects.Applied : ReplicaEffects.Cleared;
        return isGap && _rules.Gaps != GapPolicy.ApplyLatest ? effects | Recover(envelope.Position) : effects;
    }

    private ReplicaEffects Refuse(Envelope envelope, EnvelopeOrigin origin, bool isMajor)
    {
        if (origin != EnvelopeOrigin.Answer && origin != EnvelopeOrigin.History && IsGap(envelope)) _counters.Gaps++;
        if (InTurn < Sequence.None || envelope.Sequence == InTurn.Next) _refusedTo = envelope.Sequence;
        See(envelope);
        if (origin == EnvelopeOrigin.Answer)
        {
            // The writer's own word: its head is refused here, and asking again would give the same.
            if (envelope.Sequence > _refusedHead) _refusedHead = envelope.Sequence;
            if (envelope.Sequence > _refusedOnce) _refusedOnce = envelope.Sequence;
            if (isMajor) _refusedMajor = envelope.SchemaVersion;
            Status = _recovering ? ReplicaStatus.Refetching : ReplicaStatus.Skew;
            return ReplicaEffects.Refused;
        }
        Status = _recovering ? ReplicaStatus.Refetching : _rules.CanRefetch ? ReplicaStatus.Skew : ReplicaStatus.Stale;
        var isKnown = envelope.Sequence <= _refusedOnce
            || (isMajor && _refusedMajor.Text is not null && _refusedMajor.AllowsMajorOf(envelope.SchemaVersion));
        if (isKnown && !_recoveryFailed && !_rules.Faults.RefetchForever) return ReplicaEffects.Refused;
        if (envelope.Sequence > _refusedOnce) _refusedOnce = envelope.Sequence;
        if (isMajor) _refusedMajor = envelope.SchemaVersion;
        return ReplicaEffects.Refused | Recover(envelope.Position);
    }

    private ReplicaEffects KnownAbsent(Envelope envelope, EnvelopeOrigin origin)
    {
        if (origin == EnvelopeOrigin.Live) return ReplicaEffects.None; // no fact has sequence 0: not a change
        See(envelope);
        (Value, HasValue, Sequence, SchemaVersion) = (default, false, Sequence.None, default);
        (At, Time) = (new(envelope.Feed, envelope.History, envelope.Position), default);
        _counters.Applied++;
        Status = IsIdle ? ReplicaStatus.Ok : ReplicaStatus.Refetching;
        return ReplicaEffects.Cleared;
    }

    /// <summary>Nothing has an effect any more; counters and the last value stay readable.</summary>
    public void Dispose()
    {
        _disposed = true;
        _recovering = false;
        _held?.Clear();
    }

    private bool IsOtherHistory(HistoryId history) =>
        history.Value != 0 && SeenAt.History.Value != 0 && history != SeenAt.History
        && !_rules.Faults.HistoryResetIgnored;

    // Without a mark there is nothing to be behind of: the first envelope is never a gap. Who needs every change is
    // behind of what was given out or refused in its turn: a higher one that was refused early hides no gap below it.
    private bool IsGap(Envelope envelope)
    {
        var mark = _held is null ? Seen : InTurn;
        return mark >= Sequence.None && envelope.Sequence > mark.Next && !_rules.Faults.GapNotNoticed;
    }

    private Sequence InTurn => Sequence > _refusedTo ? Sequence : _refusedTo;

    private void See(Envelope envelope)
    {
        if (envelope.Sequence > Seen) Seen = envelope.Sequence;
        var history = envelope.History.Value != 0 ? envelope.History : SeenAt.History;
        if (envelope.Position > SeenAt.Position) SeenAt = new(envelope.Feed, history, envelope.Position);
        else if (history != SeenAt.History) SeenAt = SeenAt with { History = history };
    }

    private ReplicaEffects ResetTo(HistoryId history)
    {
        _counters.Resets++;
        ForgetMarks(history);
        Status = ReplicaStatus.Stale;
        return ReplicaEffects.Reset;
    }

    private void ForgetMarks(HistoryId history)
    {
        Sequence = Seen = _refusedOnce = _refusedHead = Sequence.Unknown;
        (At, SeenAt, _refusedMajor, _need) = (default, new(default, history, Position.Start), default, Position.Start);
        (_refusedTo, _historyTo, _historyFrom) = (Sequence.Unknown, Sequence.Unknown, Sequence.Unknown);
        _held?.Clear();
    }

    private ReplicaEffects Noted(ReplicaEffects effects, ReplicaStatus before) =>
        Status == before ? effects : effects | ReplicaEffects.StatusChanged;
}

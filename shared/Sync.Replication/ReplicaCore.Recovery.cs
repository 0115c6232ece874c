using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The way back: what answers, failures, beats and ends of backfills mean, and when to ask.</summary>
public sealed partial class ReplicaCore<T>
{
    /// <summary>The writer answered a refetch of this key, whether this replica asked or another of the same
    /// key.</summary>
    /// <param name="envelope">The current envelope; null when the head is not newer than what was named as
    /// had.</param>
    /// <param name="have">What was named as had.</param>
    /// <param name="history">The ledger's history: what was had in another one confirms nothing.</param>
    /// <param name="again">True when the key was asked for again (the answer is too old): the recovery goes
    /// on.</param>
    public ReplicaEffects Answered(Envelope? envelope, Sequence have, HistoryId history, bool again)
    {
        // "Nothing newer than 7" says nothing to a replica that has 5.
        if (_disposed || (envelope is null && have > Have && have > Sequence.None)) return ReplicaEffects.None;
        var before = Status;
        (_recovering, _recoveryFailed) = (_recovering && again, false);
        if (!_recovering) _need = Position.Start;
        var isOther = IsOtherHistory(history);
        var effects = isOther ? ResetTo(history) : ReplicaEffects.None;
        if (SeenAt.History.Value == 0) SeenAt = SeenAt with { History = history };
        effects |= envelope is not null ? Receive(envelope, EnvelopeOrigin.Answer)
            : isOther ? Recover(Position.Start)
            : Confirm();
        if (envelope is not null || !isOther) effects |= ReplicaEffects.Settled;
        if (Status == ReplicaStatus.Refetching && IsIdle) Confirm();
        if (!_recovering && Seen > Sequence && Seen > _refusedOnce && _held is not { IsOpen: true })
        {
            // Refused without asking (its major was known) while an older answer was on its way: ask once for this
            // one too.
            _refusedOnce = Seen;
            effects |= Recover(SeenAt.Position);
        }
        return Noted(effects, before);
    }

    /// <summary>A refetch of this key got no answer, or an error.</summary>
    /// <param name="isLast">True when no further attempt is made.</param>
    public ReplicaEffects RefetchFailed(bool isLast)
    {
        if (_disposed) return ReplicaEffects.None;
        var before = Status;
        _counters.RefetchFailures++;
        if (!isLast || !_recovering) return ReplicaEffects.None;
        (_recovering, _recoveryFailed) = (false, true);
        Status = ReplicaStatus.Stale;
        return Noted(ReplicaEffects.None, before);
    }

    /// <summary>A request for this key began, perhaps after the core took an earlier answer for the end of its
    /// recovery.</summary>
    public ReplicaEffects RefetchBegan()
    {
        if (_disposed || _recovering) return ReplicaEffects.None;
        var before = Status;
        (_recovering, Status) = (true, ReplicaStatus.Refetching);
        return Noted(ReplicaEffects.None, before);
    }

    /// <summary>Something may have been missed (a reconnect, an overflow, missed beats, birth): ask.</summary>
    /// <param name="need">An answer must stand at or above this position, unless it is of another history than the
    /// replica; 0 = any.</param>
    public ReplicaEffects Check(FeedPosition need)
    {
        if (_disposed || !_rules.CanRefetch) return ReplicaEffects.None;
        var before = Status;
        return Noted(Recover(OfThisHistory(need)), before);
    }

    /// <summary>A beat named a change that has not arrived within the grace time.</summary>
    /// <param name="named">Its position.</param>
    public ReplicaEffects TailGap(FeedPosition named)
    {
        if (_disposed) return ReplicaEffects.None;
        var before = Status;
        _counters.TailGaps++;
        return Noted(Recover(OfThisHistory(named)), before);
    }

    /// <summary>A beat of the replica's feed arrived: a recovery that had failed starts again.</summary>
    public ReplicaEffects BeatHeard()
    {
        if (_disposed || !_recoveryFailed) return ReplicaEffects.None;
        var before = Status;
        return Noted(RecoverIfFailed(), before);
    }

    /// <summary>The feed is known to have another history, before any envelope of it came.</summary>
    /// <param name="history">The new one.</param>
    public ReplicaEffects HistoryReplaced(HistoryId history)
    {
        if (_disposed || !IsOtherHistory(history)) return ReplicaEffects.None;
        var before = Status;
        return Noted(ResetTo(history) | Recover(Position.Start), before);
    }

    /// <summary>The application expects another version from now on: what was refused may pass, so it is asked for
    /// again.</summary>
    /// <param name="version">The version; null text switches the schema-major gate off.</param>
    public ReplicaEffects Expect(SchemaVersion version)
    {
        if (_disposed || version == _expected) return ReplicaEffects.None;
        var before = Status;
        var wasRefused = Seen > Sequence;
        (_expected, _refusedMajor, _refusedOnce, _refusedHead) = (version, default, Sequence.Unknown, Sequence.Unknown);
        _passedText = null;
        return wasRefused && _rules.CanRefetch ? Noted(Recover(Position.Start), before) : ReplicaEffects.None;
    }

    /// <summary>No more history comes. What is held is due, in order, whether or not a hole remains; but when more was
    /// missed behind what the history brought (lost after it was read), the history is asked for once more.</summary>
    /// <param name="round"><see cref="BackfillRound"/> when the fetch began; a late end of an earlier one has no
    /// effect.</param>
    /// <param name="complete">False when the fetch failed or took too long: only the newest held envelope is
    /// kept.</param>
    public ReplicaEffects HistoryEnded(int round, bool complete)
    {
        if (_disposed || round != BackfillRound || _held is not { IsOpen: true }) return ReplicaEffects.None;
        var hasAdvanced = _historyTo > _historyFrom;
        var known = _historyTo > Sequence ? _historyTo : Sequence;
        if (complete && hasAdvanced && _held.HasHoleBehind(known)) return BeginRound();
        if (!complete) _counters.BackfillsAbandoned++;
        _held.Release(complete);
        return ReplicaEffects.None;
    }

    /// <summary>Takes the next held envelope through the gate; call until it gives false.</summary>
    /// <param name="effects">What the step asks for.</param>
    public bool TryReleaseHeld(out ReplicaEffects effects)
    {
        effects = ReplicaEffects.None;
        if (_disposed || _held is null) return false;
        var before = Status;
        if (!_held.TryTake(Sequence, out var next, out var isAbandoned))
        {
            if (IsIdle && Status == ReplicaStatus.Refetching) Confirm();
            effects = Noted(effects, before);
            return effects != ReplicaEffects.None;
        }
        effects = Receive(next, EnvelopeOrigin.History);
        if (isAbandoned) effects = Noted(effects | Recover(next.Position), before);
        return true;
    }

    // The recovery ended without a newer value: what stands now depends on whether something newer was refused.
    private ReplicaEffects Confirm()
    {
        Status = !IsIdle ? ReplicaStatus.Refetching
            : Seen > Sequence ? ReplicaStatus.Skew
            : Sequence < Sequence.None ? ReplicaStatus.Stale
            : ReplicaStatus.Ok;
        _recoveryFailed = Status == ReplicaStatus.Stale; // an answer without an envelope: no recovery at all
        return ReplicaEffects.None;
    }

    // What was found out while the history was another says nothing about positions of this one.
    private Position OfThisHistory(FeedPosition need) =>
        SeenAt.History.Value == 0 || need.History == SeenAt.History ? need.Position : Position.Start;

    private ReplicaEffects RecoverIfFailed() => _recoveryFailed ? Recover(_need) : ReplicaEffects.None;

    // Single-flight: a request that arrives meanwhile joins, and raises what the answer must cover.
    private ReplicaEffects Recover(Position need)
    {
        if (!_rules.CanRefetch || (_rules.Faults.RefetchOnceNeverAgain && _counters.Refetches > 0))
        {
            Status = ReplicaStatus.Stale;
            return ReplicaEffects.None;
        }
        if (need > _need) _need = need;
        if (_recovering) _counters.Coalesced++;
        else _counters.Refetches++;
        (_recovering, _recoveryFailed, Status) = (true, false, ReplicaStatus.Refetching);
        return ReplicaEffects.Refetch;
    }

    private ReplicaEffects Hold(Envelope envelope)
    {
        if (IsGap(envelope)) _counters.Gaps++;
        See(envelope);
        var isFirst = !_held!.IsOpen;
        if (!_held.TryAdd(envelope))
        {
            _counters.BackfillsAbandoned++;
            _held.Release(complete: false);
            return ReplicaEffects.None;
        }
        Status = ReplicaStatus.Refetching;
        return isFirst ? BeginRound() : ReplicaEffects.None;
    }

    private ReplicaEffects BeginRound()
    {
        BackfillRound++;
        _historyFrom = _historyTo;
        return ReplicaEffects.FetchHistory;
    }
}

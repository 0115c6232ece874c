using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Ledger;

// Forming a group: the order of checks of a write is here.
public sealed partial class SequencerCore
{
    // The group being formed.
    private List<WriteRequest> _units = [];
    private List<WriteLine> _lines = [];
    private long _lineBytes;
    private long _pass;
    private Position _behind;
    // What passes up to this one took is committed, or was undone.
    private long _settledPass;

    private enum Verdict
    {
        Take,
        Wait,
        Done,
        Full,
    }

    /// <summary>The next group to commit: whatever can be decided now, in arrival order, up to the limits. Decided
    /// requests that need no commit (refused, replayed) are completed.</summary>
    /// <param name="now">Wall clock; the group's time is this, or just above the last group's.</param>
    /// <param name="ids">Fact ids.</param>
    /// <param name="published">Confirmed published position to save along.</param>
    /// <returns>Null when no further group may be in flight, or nothing can be committed now. Report the outcome of what
    /// is returned with <see cref="CommitReturned"/>, exactly once.</returns>
    public FactGroup? TryTakeGroup(Timestamp now, IIdSource ids, Position published)
    {
        if (!_changed || !MayForm()) return null;
        var (position, chain, last) = _inFlight.Count == 0
            ? (_state.Position, _state.Chain, _state.LastTime)
            : (_inFlight[^1].Last.Position, _inFlight[^1].Last.Chain, _inFlight[^1].Last.TransactionTime);
        var time = now > last ? now : new Timestamp(last.UnixMicroseconds + 1);
        var unitsMax = _splits.Count > 0 ? _splits.Peek() : int.MaxValue;
        _behind = position;
        Pass(ids, time, unitsMax);
        return _units.Count > 0 ? Seal(chain, time, published, unitsMax) : null;
    }

    // On top of a group that may have to be split, or that is lost already, nothing is built.
    private bool MayForm()
    {
        if (Phase is not (SequencerPhase.Owning or SequencerPhase.Stopping)) return false;
        if (_inFlight.Count == 0) return true;
        if (_inFlight.Count >= _options.GroupsInFlightMax || _splits.Count > 0) return false;
        var waiting = Queued;
        foreach (var group in _inFlight)
        {
            if (group.IsSplit || group.Outcome is not null) return false;
            waiting -= group.Writes;
        }
        return waiting >= _options.GroupAheadWritesMin;
    }

    private void Pass(IIdSource ids, Timestamp time, int unitsMax)
    {
        _changed = false;
        _pass++;
        _lines.Clear();
        _lineBytes = 0;
        WriteRequest? before = null;
        for (var request = _waiting.First; request is not null;)
        {
            var next = request.Next;
            var verdict = _units.Count == unitsMax ? Verdict.Full : Decide(request, ids, time);
            if (verdict == Verdict.Full)
            {
                _changed = true;
                return;
            }
            if (verdict == Verdict.Wait)
            {
                Block(request);
                before = request;
            }
            else
            {
                _waiting.Remove(before, request);
                if (verdict == Verdict.Take) _units.Add(request);
            }
            request = next;
        }
    }

    private Verdict Decide(WriteRequest request, IIdSource ids, Timestamp time)
    {
        if (IsOvertaking(request))
        {
            Finish(request, null, WriteOrder.Refusal);
            return Verdict.Done;
        }
        if (!IsKnown(request)) return Verdict.Wait;
        if (_lines.Count + request.Count > _options.GroupFactsMax
            || _lineBytes + request.ValueBytes > _options.GroupBytesMax)
            return Verdict.Full;
        var restsOnGroup = RestsOnGroup(request) && !_faults.RefusalFromFlight;
        var (mark, bytes) = (_lines.Count, _lineBytes);
        for (var index = 0; index < request.Lines.Length; index++)
        {
            var line = request.Lines[index];
            var refusal = DecideLine(line, out var mustAsk);
            if (refusal is null && !mustAsk)
            {
                if (line.Replay is null) Accept(line, ids, time);
                continue;
            }
            Undo(_lines, mark);
            _lineBytes = bytes;
            if (mustAsk || restsOnGroup) return Verdict.Wait;
            var isFinal = IsLeaseCertain || _faults.LeaseInDoubtIgnored;
            // A refusal records no key. Another attempt of this write that waits already must not commit behind it.
            if (isFinal && !request.IsAtomic && line.Idempotency is { Receipt: null } key)
                key.Refused = (line.Command, line.ValueHash, refusal!);
            Finish(request, index, isFinal ? refusal! : LeaseInDoubt);
            return Verdict.Done;
        }
        if (_lines.Count > mark) return Verdict.Take;
        FinishCommitted(request);
        return Verdict.Done;
    }

    private static Refusal LeaseInDoubt { get; } = new(
        RefusalCode.NoOwner, "This process may no longer own the feed; nothing was committed. Try again.");

    private bool IsKnown(WriteRequest request)
    {
        foreach (var line in request.Lines)
        {
            if (line.Head.Knowledge != Knowledge.Ready || line.Head.BlockedInPass == _pass) return false;
            if (line.Collection.Knowledge != Knowledge.Ready) return false;
            if (line.Idempotency is not { } key) continue;
            // A key that a group uses will have a receipt, or not, when that commit is back.
            if (key.Knowledge is Knowledge.Wanted or Knowledge.Loading || key.BlockedInPass == _pass
                || key.TakenInPass > _settledPass)
                return false;
        }
        return true;
    }

    private bool RestsOnGroup(WriteRequest request)
    {
        foreach (var line in request.Lines)
            if (line.Head.TakenInPass > _settledPass || line.Collection.TakenInPass > _settledPass) return true;
        return false;
    }

    private void Block(WriteRequest request)
    {
        foreach (var line in request.Lines)
        {
            line.Head.BlockedInPass = _pass;
            if (line.Idempotency is not null) line.Idempotency.BlockedInPass = _pass;
        }
    }

    // The order of checks: idempotency key, shape, expected sequence, then what the operation itself needs. A write that
    // would be refused asks for its idempotency key first: a repeated conditional write gets its first receipt.
    private Refusal? DecideLine(WriteLine line, out bool mustAsk)
    {
        mustAsk = false;
        line.Replay = null;
        if (line.Idempotency is { Knowledge: Knowledge.Ready, Receipt: { } receipt } known)
        {
            if (!known.IsSameWrite(line))
            {
                return new(RefusalCode.IdempotencyKeyReused,
                    $"The idempotency key has committed another write ({receipt.Key}, sequence {receipt.Sequence}). "
                    + "Use a new key.");
            }
            line.Replay = receipt;
            return null;
        }
        if (line.Idempotency?.RefusedAs(line) is { } told) return told;
        var refusal = CheckShape(line) ?? CheckExpectation(line.Command, line.Head.Head);
        if (refusal is null || line.Idempotency is not { Knowledge: Knowledge.Missing } unasked) return refusal;
        Want(unasked);
        mustAsk = true;
        return refusal;
    }

    private static Refusal? CheckShape(WriteLine line)
    {
        var isAppend = line.Command.Op == ChangeOp.Append;
        return line.Collection.Shape switch
        {
            CollectionShape.Store when isAppend => new(RefusalCode.WrongShape,
                "The collection holds records (a Store): put and delete them, and append events to another collection."),
            CollectionShape.History when !isAppend => new(RefusalCode.WrongShape,
                "The collection holds events (a History): they are appended, never changed or deleted."),
            _ when isAppend && line.Head.Head.Sequence != Sequence.None => new(RefusalCode.WrongShape,
                "The key holds an event already; append under a new key, or under none."),
            _ => null,
        };
    }

    private static Refusal? CheckExpectation(WriteCommand command, HeadState head)
    {
        if (command.Expected is { } expected && expected != head.Sequence)
        {
            return new(RefusalCode.ExpectedSequenceDiffers,
                $"The last sequence is {head.Sequence}, not {expected}. Read the record, then decide again.")
            {
                Last = head.Sequence,
            };
        }
        if (command.OnlyIfNoLiveRecord && head.IsLive)
        {
            return new(RefusalCode.LiveRecordExists, $"There is a live record with sequence {head.Sequence}.")
            {
                Last = head.Sequence,
            };
        }
        return command.Op == ChangeOp.Delete && !head.IsLive
            ? new(RefusalCode.NoLiveRecord, "There is no live record to delete.") { Last = head.Sequence }
            : null;
    }

    private void Accept(WriteLine line, IIdSource ids, Timestamp time)
    {
        var before = line.Head.Head;
        _lines.Add(line);
        _lineBytes += line.Command.Value.Length;
        var position = new Position(_behind.Value + _lines.Count);
        line.FactId = new FactId(ids.Next(time));
        line.Before = before;
        line.CollectionBefore = line.Collection.Last;
        line.ShapeBefore = line.Collection.Shape;
        line.TakenBefore = (
            line.Head.TakenInPass, line.Collection.TakenInPass, line.Idempotency?.TakenInPass ?? 0);
        var isFirst = before.Sequence == Sequence.None;
        // What events without a key share stays empty: each has a key of its own, of which nothing is kept.
        if (line.IsKeyless) line.Collection.HasAllHeads = false;
        else
            line.Head.Head = new HeadState(
                before.Sequence.Next, position, line.FactId, line.Command.Op != ChangeOp.Delete,
                isFirst ? position : before.Origin);
        line.Head.TakenInPass = _pass;
        line.Collection.Last = position;
        if (line.ShapeBefore == CollectionShape.None) Declare(line);
        if (line.Idempotency is not null) line.Idempotency.TakenInPass = _pass;
    }

    private void Declare(WriteLine line)
    {
        line.Collection.Shape = line.Command.Op == ChangeOp.Append ? CollectionShape.History : CollectionShape.Store;
        line.Collection.TakenInPass = _pass;
    }

    private static void Undo(List<WriteLine> lines, int mark)
    {
        for (var index = lines.Count - 1; index >= mark; index--)
        {
            var line = lines[index];
            line.Head.Head = line.Before;
            line.Collection.Last = line.CollectionBefore;
            line.Collection.Shape = line.ShapeBefore;
            (line.Head.TakenInPass, line.Collection.TakenInPass, var idempotency) = line.TakenBefore;
            if (line.Idempotency is not null) line.Idempotency.TakenInPass = idempotency;
            line.Fact = null;
        }
        lines.RemoveRange(mark, lines.Count - mark);
    }

    private FactGroup Seal(Hash256 chain, Timestamp time, Position published, int unitsMax)
    {
        var facts = new PendingFact[_lines.Count];
        for (var index = 0; index < facts.Length; index++)
        {
            var line = _lines[index];
            var position = new Position(_behind.Value + index + 1);
            chain = FactChain.Next(chain, FactOf(line, position, time, default));
            line.Fact = FactOf(line, position, time, chain);
            facts[index] = new PendingFact(line.Fact, line.Before);
        }
        var isSplit = unitsMax != int.MaxValue;
        if (isSplit) _splits.Pop();
        var group = new FactGroup
        {
            Lease = _state.Lease,
            Expected = _behind,
            Facts = facts,
            Published = published,
            LeaseTtl = _options.LeaseTtl,
        };
        _inFlight.Add(new GroupInFlight(group, _units, _lines, _pass, _inFlight.Count > 0) { IsSplit = isSplit });
        if (_faults.AckBeforeCommit)
            foreach (var request in _units) AnswerCommitted(request);
        (_units, _lines) = ([], []);
        return group;
    }

    private Fact FactOf(WriteLine line, Position position, Timestamp time, Hash256 chain)
    {
        var command = line.Command;
        var isFirst = line.Before.Sequence == Sequence.None;
        return new Fact
        {
            Id = line.FactId,
            Key = line.FactKey,
            Sequence = line.Before.Sequence.Next,
            Op = command.Op,
            Value = command.Value,
            ValueHash = line.ValueHash,
            SchemaVersion = command.SchemaVersion,
            Causation = command.Op == ChangeOp.Append ? command.Causation : isFirst ? null : line.Before.FactId,
            TransactionTime = time,
            ValidTime = command.ValidTime,
            Producer = command.Producer,
            IdempotencyKey = command.IdempotencyKey,
            Feed = _state.Lease.Feed,
            Position = position,
            After = line.CollectionBefore,
            Epoch = _state.Lease.Epoch,
            Chain = chain,
            TraceParent = command.TraceParent,
        };
    }
}

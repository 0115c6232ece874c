using Sync.Contracts;

namespace Sync.Ledger;

// What became of the group in flight, and the answers that follow from it.
public sealed partial class SequencerCore
{
    // Sizes of the next groups, in requests, after the store refused some group's data: each refusal halves, so a
    // poisoned request ends alone in at most 2·log2(n) further commits.
    private readonly Stack<int> _splits = [];
    private bool _isSplit;

    /// <summary>The outcome of the group in flight.</summary>
    public void CommitReturned(CommitOutcome outcome)
    {
        if (InFlight is null) throw new InvalidOperationException("No group is in flight.");
        switch (outcome)
        {
            case CommitOutcome.Committed:
                Settle();
                break;
            case CommitOutcome.Unknown unknown when !_faults.RetryUnknownBlindly:
                if (Phase == SequencerPhase.Lost) GiveUp(unknown.Detail);
                else Phase = SequencerPhase.Resolving;
                break;
            case CommitOutcome.Fenced:
                PutBack();
                Lose("The feed has another owner now; nothing was committed.");
                break;
            case CommitOutcome.DuplicateKey when AskForKeys():
                PutBack();
                break;
            case CommitOutcome.DuplicateKey:
                Split("An idempotency key exists that the store does not show.");
                break;
            case CommitOutcome.DataError error:
                Split(error.Detail);
                break;
            default:
                if (_isSplit) _splits.Push(_units.Count);
                PutBack();
                break;
        }
        if (Phase == SequencerPhase.Lost) Lose("The feed has another owner now; nothing was committed.");
    }

    /// <summary>The take-over from oneself after an unknown outcome.</summary>
    /// <param name="state">The feed under the new lease: no straggler of the old one can land any more.</param>
    /// <param name="found">What stands behind the group's expected position: at least as many facts as the group
    /// has, or all there are.</param>
    public void Resolved(FeedState state, IReadOnlyList<Fact> found)
    {
        if (Phase != SequencerPhase.Resolving || InFlight is not { } group)
            throw new InvalidOperationException("There is nothing to resolve.");
        Phase = _stopping ? SequencerPhase.Stopping : SequencerPhase.Owning;
        var isThere = found.Count >= group.Facts.Count;
        for (var index = 0; isThere && index < group.Facts.Count; index++)
            isThere = found[index].Id == group.Facts[index].Fact.Id
                && found[index].Position == group.Facts[index].Fact.Position;
        if (isThere) Settle();
        else PutBack();
        var isAlone = state.Position == _state.Position;
        _state = state;
        // Somebody else has owned the feed in between: nothing that is known may be trusted.
        if (!isAlone) Forget();
    }

    /// <summary>The take-over did not work: the group's writes are unknown for good, everything else is
    /// refused.</summary>
    public void ResolveFailed(string reason)
    {
        if (Phase != SequencerPhase.Resolving) throw new InvalidOperationException("There is nothing to resolve.");
        GiveUp(reason);
        Lose("The feed has another owner now; nothing was committed.");
    }

    private void Settle()
    {
        var group = InFlight!;
        var last = group.Facts[^1].Fact;
        var facts = new Fact[group.Facts.Count];
        for (var index = 0; index < facts.Length; index++) facts[index] = group.Facts[index].Fact;
        _state = _state with { Position = last.Position, Chain = last.Chain, LastTime = last.TransactionTime };
        InFlight = null;
        foreach (var line in _lines)
            line.Idempotency?.Know(Receipt.Of(line.Fact!, _history), line.Command.Op, line.Command.SchemaVersion);
        foreach (var request in _units) FinishCommitted(request);
        _committed.Enqueue(facts);
        _units.Clear();
        _lines.Clear();
        _changed = true;
    }

    private void PutBack()
    {
        Undo(0);
        InFlight = null;
        for (var index = _units.Count - 1; index >= 0; index--)
        {
            if (!_units[index].IsAnswered) continue;
            // Told "unknown" at its deadline, and now certainly not written: nobody waits for it any more.
            Leave(_units[index]);
            _units.RemoveAt(index);
        }
        _waiting.Prepend(_units);
        _units.Clear();
        _changed = true;
    }

    private bool AskForKeys()
    {
        var asked = false;
        foreach (var line in _lines)
        {
            if (line.Idempotency is not { Knowledge: Knowledge.Missing } unasked) continue;
            Want(unasked);
            asked = true;
        }
        return asked;
    }

    private void Split(string detail)
    {
        var units = _units.Count;
        if (units > 1)
        {
            if (!_faults.GroupNotSplit)
            {
                _splits.Push(units - units / 2);
                _splits.Push(units / 2);
            }
            PutBack();
            return;
        }
        Undo(0);
        InFlight = null;
        var request = _units[0];
        _units.Clear();
        if (request.IsAnswered) Leave(request);
        else Finish(request, null, new Refusal(RefusalCode.DataError, $"The ledger refuses the data: {detail}"));
        _changed = true;
    }

    private void GiveUp(string reason)
    {
        InFlight = null;
        foreach (var request in _units)
        {
            if (!request.IsAnswered) AnswerUnknown(request, reason);
            Leave(request);
        }
        _units.Clear();
        _lines.Clear();
        Phase = SequencerPhase.Lost;
    }

    private void Lose(string detail)
    {
        Phase = SequencerPhase.Lost;
        _splits.Clear();
        foreach (var request in _waiting.RemoveWhere(static _ => true))
            Finish(request, null, new Refusal(RefusalCode.NoOwner, detail));
    }

    private void Forget()
    {
        _generation++;
        _heads.Clear();
        _collections.Clear();
        _idempotency.Clear();
        _wantedHeads.Clear();
        _wantedCollections.Clear();
        _wantedIdempotency.Clear();
        _splits.Clear();
        for (var request = _waiting.First; request is not null; request = request.Next) Bind(request);
    }

    private void FinishCommitted(WriteRequest request)
    {
        if (!request.IsAnswered) AnswerCommitted(request);
        Leave(request);
    }

    private void Finish(WriteRequest request, int? line, Refusal refusal)
    {
        if (!request.IsAnswered)
        {
            request.IsAnswered = true;
            Complete(request, request.IsAtomic ? null : new WriteResult.Refused(refusal),
                request.IsAtomic ? new AtomicResult.Refused(line, refusal) : null);
        }
        Leave(request);
    }

    private void AnswerCommitted(WriteRequest request)
    {
        request.IsAnswered = true;
        if (!request.IsAtomic)
        {
            Complete(request, CommittedLine(request.Lines[0]), null);
            return;
        }
        Complete(request, null, new AtomicResult.Committed(Array.ConvertAll(request.Lines, CommittedLine)));
    }

    private WriteResult.Committed CommittedLine(WriteLine line) =>
        line.Replay is { } first
            ? new(first, true)
            : new(line.Idempotency?.Receipt ?? Receipt.Of(line.Fact!, _history), false);

    private void AnswerUnknown(WriteRequest request, string reason)
    {
        request.IsAnswered = true;
        Complete(request, request.IsAtomic ? null : new WriteResult.Unknown(reason),
            request.IsAtomic ? new AtomicResult.Unknown(reason) : null);
    }

    // The order hears of a failure before any later request is decided.
    private void Complete(WriteRequest request, WriteResult? result, AtomicResult? atomic)
    {
        if (result is not null) request.Order?.Note(request.Lines[0].Command.Key, result);
        _completions.Enqueue(new(request, result, atomic));
    }

    private void Leave(WriteRequest request)
    {
        Queued -= request.Count;
        QueuedBytes -= request.QueuedBytes;
        Release(request);
    }
}

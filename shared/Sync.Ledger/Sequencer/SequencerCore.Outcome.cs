using Sync.Contracts;

namespace Sync.Ledger;

// What became of the groups in flight, and the answers that follow from it.
public sealed partial class SequencerCore
{
    // Sizes of the next groups, in requests, after the store refused some group's data: each refusal halves, so a
    // poisoned request ends alone in at most 2·log2(n) further commits.
    private readonly Stack<int> _splits = [];

    /// <summary>The outcome of a group in flight. Groups end in order: what is known of a later one waits for those before
    /// it, and what failed waits for those on top of it.</summary>
    /// <param name="group">The group, as <see cref="TryTakeGroup"/> gave it.</param>
    /// <param name="outcome">What the store said.</param>
    public void CommitReturned(FactGroup group, CommitOutcome outcome)
    {
        var returned = _inFlight.Find(one => one.Group == group && one.Outcome is null);
        if (returned is null && _faults.OnTopNotAwaited) return;
        if (returned is null) throw new InvalidOperationException("The group is not in flight.");
        returned.Outcome = outcome;
        // A group that is written shows that those before it are, also when their answers were lost.
        while (_inFlight.Count > 0 && _inFlight[0].Outcome is CommitOutcome.Committed or CommitOutcome.Unknown
            && _inFlight.Exists(static one => one.Outcome is CommitOutcome.Committed))
            Settle();
        if (_inFlight.Count > 0 && (_inFlight.TrueForAll(static one => one.Outcome is not null)
            || (_faults.OnTopNotAwaited && _inFlight[0].Outcome is CommitOutcome.Failed)))
            EndUnwritten();
        if (Phase == SequencerPhase.Lost) Lose("The feed has another owner now; nothing was committed.");
    }

    // All groups in flight have returned, and the first is not known to be written.
    private void EndUnwritten()
    {
        while (_inFlight.Count > 1 && IsUnwritten(_inFlight[^1])) PutBack();
        var first = _inFlight[0];
        if (first.Outcome is CommitOutcome.Fenced || (first.Outcome is CommitOutcome.TooEarly && !first.IsOnTop))
        {
            PutBackAll();
            Lose("The feed has another owner now; nothing was committed.");
        }
        else if (_inFlight.Count > 1 || !IsUnwritten(first))
        {
            if (Phase == SequencerPhase.Lost) GiveUp("The connection was lost in the commit.");
            else Phase = SequencerPhase.Resolving;
        }
        else if (first.Outcome is CommitOutcome.DataError error)
        {
            Split(first, error.Detail);
        }
        else if (first.Outcome is CommitOutcome.DuplicateKey && !AskForKeys(first))
        {
            Split(first, "An idempotency key exists that the store does not show.");
        }
        else
        {
            if (first is { IsSplit: true, Outcome: not CommitOutcome.DuplicateKey }) _splits.Push(first.Requests.Count);
            PutBack();
        }
    }

    private bool IsUnwritten(GroupInFlight group) =>
        group.Outcome is not (CommitOutcome.Committed or CommitOutcome.Unknown)
        || (group.Outcome is CommitOutcome.Unknown && _faults.RetryUnknownBlindly);

    /// <summary>The take-over from oneself after an unknown outcome.</summary>
    /// <param name="state">The feed under the new lease: no straggler of the old one can land any more.</param>
    /// <param name="found">What stands behind the expected position of the first group in flight: at least as many facts
    /// as all groups in flight have, or all there are.</param>
    public void Resolved(FeedState state, IReadOnlyList<Fact> found)
    {
        if (Phase != SequencerPhase.Resolving) throw new InvalidOperationException("There is nothing to resolve.");
        Phase = _stopping ? SequencerPhase.Stopping : SequencerPhase.Owning;
        var settled = 0;
        while (_inFlight.Count > 0 && IsThere(_inFlight[0].Group, found, settled))
        {
            settled += _inFlight[0].Group.Facts.Count;
            Settle();
        }
        PutBackAll();
        var isAlone = state.Position == _state.Position;
        _state = state;
        // Somebody else has owned the feed in between: nothing that is known may be trusted.
        if (!isAlone) Forget();
    }

    /// <summary>The take-over did not work: the writes of the groups are unknown for good, everything else is
    /// refused.</summary>
    public void ResolveFailed(string reason)
    {
        if (Phase != SequencerPhase.Resolving) throw new InvalidOperationException("There is nothing to resolve.");
        GiveUp(reason);
        Lose("The feed has another owner now; nothing was committed.");
    }

    private static bool IsThere(FactGroup group, IReadOnlyList<Fact> found, int from)
    {
        if (found.Count - from < group.Facts.Count) return false;
        for (var index = 0; index < group.Facts.Count; index++)
        {
            var (fact, there) = (group.Facts[index].Fact, found[from + index]);
            if (there.Id != fact.Id || there.Position != fact.Position) return false;
        }
        return true;
    }

    // The first group in flight is durable.
    private void Settle()
    {
        var group = _inFlight[0];
        _inFlight.RemoveAt(0);
        var facts = new Fact[group.Group.Facts.Count];
        for (var index = 0; index < facts.Length; index++) facts[index] = group.Group.Facts[index].Fact;
        var last = group.Last;
        _state = _state with { Position = last.Position, Chain = last.Chain, LastTime = last.TransactionTime };
        _settledPass = group.Pass;
        foreach (var line in group.Lines)
            line.Idempotency?.Know(Receipt.Of(line.Fact!, _history), line.Command.Op, line.Command.SchemaVersion);
        foreach (var request in group.Requests) FinishCommitted(request);
        _committed.Enqueue(facts);
        _changed = true;
    }

    // The last group in flight was not written: its writes wait again, before all others.
    private void PutBack()
    {
        var group = TakeBack();
        for (var index = group.Requests.Count - 1; index >= 0; index--)
        {
            if (!group.Requests[index].IsAnswered) continue;
            // Told "unknown" at its deadline, and now certainly not written: nobody waits for it any more.
            Leave(group.Requests[index]);
            group.Requests.RemoveAt(index);
        }
        _waiting.Prepend(group.Requests);
    }

    private void PutBackAll()
    {
        while (_inFlight.Count > 0) PutBack();
    }

    // Undoes what the last group in flight changed here.
    private GroupInFlight TakeBack()
    {
        var group = _inFlight[^1];
        _inFlight.RemoveAt(_inFlight.Count - 1);
        Undo(group.Lines, 0);
        _changed = true;
        return group;
    }

    private bool AskForKeys(GroupInFlight group)
    {
        var asked = false;
        foreach (var line in group.Lines)
        {
            if (line.Idempotency is not { Knowledge: Knowledge.Missing } unasked) continue;
            Want(unasked);
            asked = true;
        }
        return asked;
    }

    private void Split(GroupInFlight group, string detail)
    {
        var units = group.Requests.Count;
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
        var request = TakeBack().Requests[0];
        if (request.IsAnswered) Leave(request);
        else Finish(request, null, new Refusal(RefusalCode.DataError, $"The ledger refuses the data: {detail}"));
    }

    /// <summary>Nobody will report what becomes of the groups in flight: their writes are unknown. Owns nothing any
    /// more.</summary>
    public void GiveUp(string reason)
    {
        foreach (var request in _inFlight.SelectMany(group => group.Requests))
        {
            if (!request.IsAnswered) AnswerUnknown(request, reason);
            Leave(request);
        }
        _inFlight.Clear();
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

using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>What was answered, against what is in the ledger: R1 and R4.</summary>
internal sealed class WriteTruth(World world)
{
    private readonly Dictionary<string, Attempt> _attempts = new(StringComparer.Ordinal);
    private readonly List<Write> _writes = [];

    public int Unsettled
    {
        get
        {
            var open = 0;
            foreach (var write in _writes)
                if (write.Open > 0) open++;
            return open;
        }
    }

    public Write Begin(IReadOnlyList<WriteCommand> commands, bool isAtomic, SimRandom random)
    {
        var write = new Write(_writes.Count + 1, commands, isAtomic, random);
        _writes.Add(write);
        return write;
    }

    public Attempt Try(Write write, WriteCall? call = null, Attempt? parent = null)
    {
        var head = world.Ledger.Now.HeadOf(write.Commands[0].Key)?.Sequence ?? Sequence.None;
        var attempt = new Attempt(write, write.Attempts.Count + 1, call, parent, world.Store.Ledger.Info.History, head)
        {
            HasFreshKeys = world.ModelFaults.RetriesWithFreshKeys && write.Attempts.Count > 0,
        };
        write.Attempts.Add(attempt);
        if (parent is null) call?.Attempts.Add(attempt);
        _attempts.Add(attempt.Name, attempt);
        return attempt;
    }

    /// <summary>A fact is in the ledger: somebody must have asked for it, and nobody told that it was
    /// refused.</summary>
    public void Committed(Fact fact, Fact? before)
    {
        var attempt = _attempts[fact.Producer.Name];
        attempt.Count(1);
        attempt.Write.Facts++;
        if (attempt.State == AttemptState.Refused)
            throw new Violation(Invariants.Refused,
                $"{fact.Key} at {fact.Position}: request {attempt.Name} had been refused");
        if (attempt.Parent is { State: AttemptState.Refused } parent)
            throw new Violation(Invariants.Told,
                $"{fact.Key} at {fact.Position} by {attempt.Name}: request {parent.Name}, which it forwards, had been refused");
        if (attempt.Call is { Told: AttemptState.Refused })
            throw new Violation(Invariants.Told,
                $"{fact.Key} at {fact.Position} by {attempt.Name}: the caller had been told that it is refused");
        if (attempt.IsStraggler) world.Coverage.Add("straggler committed after its repeat was refused");
        var command = Find(attempt, fact, before);
        if (command is null)
            throw new Violation(Invariants.Dense,
                $"{fact.Key} at {fact.Position} is not what {attempt.Name} asked for");
        if (Misses(command, before))
            throw new Violation(Invariants.Refused,
                $"{fact.Key} at {fact.Position} follows {before?.Sequence} ({before?.Op}); it was to follow {command.Expected}"
                + (command.OnlyIfNoLiveRecord ? " without a live record" : ""));
        if (SimValue.Is(fact.Value, SimValue.Poison))
            throw new Violation(Invariants.Refused, $"poison at {fact.Position}");
        if (fact.Op == ChangeOp.Append) CommittedEvent(fact, command, before);
    }

    private void CommittedEvent(Fact fact, WriteCommand command, Fact? before)
    {
        if (before is not null) throw new Violation(Invariants.Dense, $"a second event under {fact.Key}");
        world.Coverage.Add(command.Key.Key.Length == 0 ? "event without a key" : "event appended");
    }

    // Of lines of an atomic list that ask for the same, as deletes without idempotency keys do, the one whose condition held.
    private static WriteCommand? Find(Attempt attempt, Fact fact, Fact? before)
    {
        WriteCommand? found = null;
        foreach (var line in attempt.Write.Commands)
        {
            var isKey = line.Key == fact.Key
                || (line.Key.Key.Length == 0 && fact.Key == line.Key with { Key = fact.Id.ToString() });
            if (isKey && line.Op == fact.Op && attempt.KeyOf(line) == fact.IdempotencyKey
                && line.SchemaVersion == fact.SchemaVersion && line.Value.Span.SequenceEqual(fact.Value.Span)
                && (found is null || Misses(found, before)))
                found = line;
        }
        return found;
    }

    private static bool Misses(WriteCommand line, Fact? before) =>
        (line.Expected is { } expected && expected.Value != (before?.Sequence.Value ?? 0))
        || (line.OnlyIfNoLiveRecord && before is not null && before.Op != ChangeOp.Delete);

    /// <summary>The writer has emitted an answer.</summary>
    public void Answered(Attempt attempt, WriteCompletion completion, bool isOwner)
    {
        if (attempt.State != AttemptState.Pending)
            throw new Violation(Invariants.Once, $"request {attempt.Name} was answered twice");
        switch (completion)
        {
            case { Result: WriteResult.Committed line }:
                Acknowledged(attempt, [line]);
                break;
            case { Atomic: AtomicResult.Committed lines }:
                Acknowledged(attempt, lines.Lines);
                world.Coverage.Add("atomic batch committed");
                break;
            case { Result: WriteResult.Refused refused }:
                CheckTrue(attempt, refused.Refusal.Code);
                Refused(attempt, refused.Refusal, isOwner);
                break;
            case { Atomic: AtomicResult.Refused refused }:
                if (refused.Line == 0) CheckTrue(attempt, refused.Refusal.Code);
                Refused(attempt, refused.Refusal, isOwner);
                break;
            default:
                attempt.State = AttemptState.Unknown;
                break;
        }
        world.Trace.Add("answer", attempt.Write.Id, (long)attempt.State);
    }

    /// <summary>A request has reached an owner of its feed, however late.</summary>
    public void Arrived(Attempt attempt, OwnerDriver owner)
    {
        attempt.At = owner;
        var isLater = false;
        foreach (var other in attempt.Write.Attempts)
        {
            if (other == attempt) isLater = true;
            else if (other.At == owner && other.State == AttemptState.Pending) attempt.IsBesideAnother = true;
            else if (isLater && other.Call == attempt.Call && other is { State: AttemptState.Refused, IsTransient: false })
                attempt.IsStraggler = true;
        }
        if (attempt.IsStraggler) world.Coverage.Add("straggler after its repeat was refused");
    }

    /// <summary>A client's code has the outcome of its call: when that is refused, none of its requests may commit, now or
    /// later.</summary>
    public void Told(WriteCall call, WriteResult result)
    {
        call.Told = result switch
        {
            WriteResult.Committed => AttemptState.Committed,
            WriteResult.Refused => AttemptState.Refused,
            _ => AttemptState.Unknown,
        };
        world.Trace.Add("told", call.Write.Id, (long)call.Told);
        if (call.Told != AttemptState.Refused) return;
        foreach (var attempt in call.Attempts)
            Violation.Unless(attempt.Facts == 0, Invariants.Told,
                () => $"write {call.Write.Id} is called refused, and request {attempt.Name} of it has committed");
    }

    /// <summary>A restore took back what lies behind a position: promises about it are void, and what is kept is read
    /// anew.</summary>
    public void Restored(FeedId feed, Position cut, IReadOnlyList<Fact> facts)
    {
        foreach (var write in _writes)
            for (var line = 0; line < write.Receipts.Length; line++)
                if (write.Receipts[line] is { } receipt && receipt.Feed == feed && receipt.Position > cut)
                    write.Receipts[line] = null;
        foreach (var fact in facts)
        {
            var attempt = _attempts[fact.Producer.Name];
            attempt.Count(-1);
            attempt.Write.Facts--;
        }
    }

    /// <summary>Nothing may be left open or half done when the world is quiet.</summary>
    public void CheckAtRest()
    {
        foreach (var write in _writes)
        {
            foreach (var receipt in write.Receipts)
                if (receipt is not null) CheckDurable(receipt, write);
            Violation.Unless(write.Facts == 0 || write.Facts == write.Commands.Count || world.Restores > 0,
                Invariants.Once,
                () => $"write {write.Id} of {write.Commands.Count} lines has {write.Facts} facts");
            foreach (var attempt in write.Attempts)
                Violation.Unless(attempt.State != AttemptState.Refused || attempt.Facts == 0, Invariants.Refused,
                    () => $"request {attempt.Name} was refused, and has {attempt.Facts} facts");
        }
    }

    private void Acknowledged(Attempt attempt, IReadOnlyList<WriteResult.Committed> lines)
    {
        attempt.State = AttemptState.Committed;
        var write = attempt.Write;
        for (var index = 0; index < lines.Count; index++)
        {
            var (receipt, isReplay) = (lines[index].Receipt, lines[index].Replayed);
            CheckDurable(receipt, write);
            var command = write.Commands[index];
            var isKey = receipt.Key == command.Key
                || (command.Key.Key.Length == 0 && receipt.Key == command.Key with { Key = receipt.FactId.ToString() });
            if (!isKey || receipt.ValueHash != Hash256.Of(command.Value.Span))
                throw new Violation(Invariants.Durable, $"write {write.Id}: the receipt is of something else");
            if (command.IdempotencyKey is not null)
            {
                Violation.Unless(write.Receipts[index] is not { } first
                    || first with { History = receipt.History } == receipt,
                    Invariants.Once,
                    () => $"write {write.Id}: receipts at {receipt.Position} and {write.Receipts[index]?.Position}");
                write.Receipts[index] = receipt;
            }
            if (!isReplay) continue;
            world.Coverage.Add("idempotent replay");
            if (command.Expected is not null) world.Coverage.Add("receipt of a repeated conditional write");
        }
    }

    private void CheckDurable(Receipt receipt, Write write)
    {
        var fact = world.Ledger.Now.At(receipt.Feed, receipt.Position);
        if (fact is null || fact.Id != receipt.FactId || fact.Sequence != receipt.Sequence)
            throw new Violation(Invariants.Durable,
                $"write {write.Id} of {receipt.Key} was acknowledged as {receipt.Sequence} at {receipt.Position}; "
                + $"the ledger has {fact?.Key.ToString() ?? "nothing"} there");
    }

    // Sequences only grow: a key that stands where it stood when the request was begun stood there all the time, and what is
    // said of it must be so. But requests of one write that wait together at an owner are refused together, for what was so
    // when the first of them was.
    private void CheckTrue(Attempt attempt, RefusalCode code)
    {
        if (attempt.IsBesideAnother || attempt.At is null) return;
        var command = attempt.Write.Commands[0];
        var head = world.Ledger.Now.HeadOf(command.Key);
        if ((head?.Sequence ?? Sequence.None) != attempt.Head || attempt.History != world.Store.Ledger.Info.History) return;
        var isLive = head is not null && head.Op != ChangeOp.Delete;
        var isTrue = code switch
        {
            RefusalCode.ExpectedSequenceDiffers => command.Expected != attempt.Head,
            RefusalCode.LiveRecordExists => isLive,
            RefusalCode.NoLiveRecord => !isLive,
            _ => true,
        };
        if (!isTrue)
            throw new Violation(Invariants.True,
                $"request {attempt.Name} is refused as {code}; {command.Key} was at {attempt.Head} all the time");
    }

    // A later request of a write that has committed must get its receipt, not a refusal for good: from the true owner,
    // who can know.
    private void Refused(Attempt attempt, Refusal refusal, bool isOwner)
    {
        (attempt.State, attempt.IsTransient) = (AttemptState.Refused, refusal.IsTransient);
        Violation.Unless(attempt.Facts == 0, Invariants.Refused,
            () => $"request {attempt.Name} is refused as {refusal.Code}, and committed");
        if (refusal.Code is RefusalCode.WrongShape) world.Coverage.Add("write refused by shape");
        if (refusal.Code is RefusalCode.ExpectedSequenceDiffers) world.Coverage.Add("write refused by expectation");
        var isRepeatable = attempt.Write.Commands[0].IdempotencyKey is not null;
        Violation.Unless(refusal.IsTransient || !isOwner || !isRepeatable || attempt.Write.Facts == 0, Invariants.Once,
            () => $"request {attempt.Name} is refused as {refusal.Code}; an earlier one of its write has committed");
    }
}

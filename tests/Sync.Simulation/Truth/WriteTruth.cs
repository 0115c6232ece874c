using System.Globalization;
using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation;

/// <summary>How one request of a write stands; set where the writer emits the answer, before the way back can lose
/// it.</summary>
internal enum AttemptState
{
    Pending,
    Committed,
    Refused,
    Unknown,
}

/// <summary>One request of a write. Its name is the producer of its facts, so that the ledger says which request
/// committed.</summary>
internal sealed class Attempt(Write write, int number, HistoryId history, Sequence head)
{
    /// <summary>The history when it was begun, and where its first key stood.</summary>
    public HistoryId History => history;
    public Sequence Head => head;

    public Write Write => write;
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"{write.Id}.{number}");
    public AttemptState State { get; set; }

    /// <summary>For the mutant: this repeat does not say that it is one.</summary>
    public bool HasFreshKeys { get; init; }

    public string? KeyOf(WriteCommand line) =>
        HasFreshKeys && line.IdempotencyKey is { } key ? $"{key}/{Name}" : line.IdempotencyKey;

    /// <summary>Refused, and the same request may be accepted later.</summary>
    public bool IsTransient { get; set; }

    /// <summary>Facts of it in the present history.</summary>
    public int Facts { get; set; }

    /// <summary>The client has heard of its end, or gave up waiting.</summary>
    public bool IsOver { get; set; }
}

/// <summary>One thing that a client wants, by as many requests as it takes.</summary>
internal sealed class Write(int id, IReadOnlyList<WriteCommand> commands, bool isAtomic, SimRandom random)
{
    /// <summary>What its client draws for it.</summary>
    public SimRandom Random => random;

    public int Id => id;
    public IReadOnlyList<WriteCommand> Commands => commands;
    public bool IsAtomic => isAtomic;
    public List<Attempt> Attempts { get; } = [];
    public Receipt?[] Receipts { get; } = new Receipt?[commands.Count];
    public int Facts { get; set; }

    /// <summary>Requests that are under way or planned.</summary>
    public int Open { get; set; }
}

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

    public Attempt Try(Write write)
    {
        var head = world.Ledger.Now.HeadOf(write.Commands[0].Key)?.Sequence ?? Sequence.None;
        var attempt = new Attempt(write, write.Attempts.Count + 1, world.Store.Ledger.Info.History, head)
        {
            HasFreshKeys = world.ModelFaults.RetriesWithFreshKeys && write.Attempts.Count > 0,
        };
        write.Attempts.Add(attempt);
        _attempts.Add(attempt.Name, attempt);
        return attempt;
    }

    /// <summary>A fact is in the ledger: somebody must have asked for it, and nobody told that it was
    /// refused.</summary>
    public void Committed(Fact fact, Fact? before)
    {
        var attempt = _attempts[fact.Producer.Name];
        attempt.Facts++;
        attempt.Write.Facts++;
        if (attempt.State == AttemptState.Refused)
            throw new Violation(Invariants.Refused,
                $"{fact.Key} at {fact.Position}: request {attempt.Name} had been refused");
        var command = Find(attempt, fact);
        if (command is null)
            throw new Violation(Invariants.Dense,
                $"{fact.Key} at {fact.Position} is not what {attempt.Name} asked for");
        if (command.Expected is { } expected && expected.Value != (before?.Sequence.Value ?? 0))
            throw new Violation(Invariants.Refused,
                $"{fact.Key} at {fact.Position} was to follow {command.Expected}, and follows {before?.Sequence}");
        if (command.OnlyIfNoLiveRecord && before is not null && before.Op != ChangeOp.Delete)
            throw new Violation(Invariants.Refused,
                $"{fact.Key} at {fact.Position} was to be committed only without a live record");
        if (SimValue.Is(fact.Value, SimValue.Poison))
            throw new Violation(Invariants.Refused, $"poison at {fact.Position}");
        if (fact.Op == ChangeOp.Append) CommittedEvent(fact, command, before);
    }

    private void CommittedEvent(Fact fact, WriteCommand command, Fact? before)
    {
        if (before is not null) throw new Violation(Invariants.Dense, $"a second event under {fact.Key}");
        world.Coverage.Add(command.Key.Key.Length == 0 ? "event without a key" : "event appended");
    }

    private static WriteCommand? Find(Attempt attempt, Fact fact)
    {
        foreach (var line in attempt.Write.Commands)
        {
            var isKey = line.Key == fact.Key
                || (line.Key.Key.Length == 0 && fact.Key == line.Key with { Key = fact.Id.ToString() });
            if (isKey && line.Op == fact.Op && attempt.KeyOf(line) == fact.IdempotencyKey
                && line.SchemaVersion == fact.SchemaVersion && line.Value.Span.SequenceEqual(fact.Value.Span))
                return line;
        }
        return null;
    }

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
            attempt.Facts--;
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
    // said of it must be so.
    private void CheckTrue(Attempt attempt, RefusalCode code)
    {
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

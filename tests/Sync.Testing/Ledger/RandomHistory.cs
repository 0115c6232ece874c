using Sync.Contracts;
using Sync.Ledger;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

/// <summary>One random life of a feed: writes, late loads, every outcome of a commit, stragglers and take-overs, all
/// from a seed. It drives sequencers by hand, one owner after the other.</summary>
public sealed class RandomHistory
{
    private const int Steps = 120;

    private readonly Random _random;
    private readonly PlantedFaults? _faults;
    private readonly MemoryLedgerStore _store;
    private readonly SequentialIds _ids = new();
    private readonly LedgerOptions _options;
    private readonly List<(LoadTicket Ticket, Loaded Loaded)> _late = [];
    private readonly List<(WriteRequest Request, int Line, WriteResult Result)> _answers = [];
    private readonly HashSet<WriteRequest> _answered = [];
    private readonly List<WriteRequest> _asked = [];
    private readonly List<FactGroup> _stragglers = [];
    // Groups on their way, whatever the core thinks of them, and what the store said to some of them already.
    private readonly List<FactGroup> _sent = [];
    private readonly Dictionary<FactGroup, CommitOutcome> _untold = [];
    private readonly List<string> _wrong = [];
    private SequencerCore _core;
    private readonly int _burstMax;
    private long _now = 1_000_000;
    private int _keys;
    private int _attempts;

    /// <summary>Prepares the life of a seed.</summary>
    public RandomHistory(int seed, PlantedFaults? faults)
    {
        _random = new Random(seed);
        _faults = faults;
        _store = new MemoryLedgerStore(new ManualTimeProvider(), new MemoryLedgerOptions { Feeds = 1 }, faults);
        _options = new LedgerOptions
        {
            Owner = "one",
            GroupFactsMax = _random.Next(3, 12),
            GroupsInFlightMax = _random.Next(1, 5),
            GroupAheadWritesMin = _random.Next(1, 4),
            HeadsCachedMax = _random.Next(1, 8),
            CollectionsCachedMax = _random.Next(1, 3),
            IdempotencyKeysCachedMax = _random.Next(1, 8),
            LoadItemsMax = _random.Next(1, 6),
            QueuedWritesMax = 40,
        };
        _burstMax = _random.Next(1, 6);
        _core = TakeOver();
    }

    /// <summary>What happened at least once.</summary>
    public HashSet<string> Met { get; } = new(StringComparer.Ordinal);

    /// <summary>Lives it to the end: at last everything is answered.</summary>
    public void Run()
    {
        for (var step = 0; step < Steps; step++) Step();
        for (var turn = 0; turn < 1000 && !(_core.IsIdle && _late.Count == 0); turn++)
        {
            if (_core.Phase == SequencerPhase.Resolving) Resolve();
            AnswerLoads();
            if (Pending() is { } group) Return(group);
            else Group();
        }
        Collect();
    }

    /// <summary>What breaks a rule; empty = nothing.</summary>
    public IReadOnlyList<string> Wrong()
    {
        var facts = Done(_store.ReadFeedAsync(new FeedId(0), Position.Start, 100_000, int.MaxValue)).Facts;
        LedgerChecker.CheckFacts(new FeedId(0), facts, _wrong);
        var unanswered = _asked.Count(request => !_answered.Contains(request));
        if (unanswered > 0) _wrong.Add($"{unanswered} requests were never answered");
        AnswerChecker.Check(_answers, facts, _wrong);
        return _wrong;
    }

    private void Step()
    {
        _now += _random.Next(-50, 100);
        switch (_random.Next(12))
        {
            case < 5:
                for (var more = _random.Next(_burstMax); more >= 0; more--) Submit();
                break;
            case < 7: TakeLoad(); break;
            case 7: AnswerLoads(); break;
            case < 10: Group(); break;
            case 10 when _random.Next(12) == 0: _core = TakeOver(); break;
            case 10 when _random.Next(12) == 0: Foreign(); break;
            default: Outcome(); break;
        }
        Collect();
    }

    private void Submit()
    {
        if (_asked.Count > 0 && _random.Next(6) == 0)
        {
            // A client that heard nothing, or forgot what it heard, asks again.
            var old = _asked[_random.Next(_asked.Count)];
            var commands = Enumerable.Range(0, old.Count).Select(line => Command(old.Command(line))).ToArray();
            Ask(old.IsAtomic
                ? new WriteRequest(commands, TimeSpan.MaxValue)
                : new WriteRequest(commands[0], TimeSpan.MaxValue));
            return;
        }
        if (_random.Next(6) == 0)
            Ask(new WriteRequest([.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Command())], TimeSpan.MaxValue));
        else Ask(new WriteRequest(Command(), TimeSpan.MaxValue));
    }

    private WriteCommand Command()
    {
        var isEvent = _random.Next(8) == 0;
        var op = isEvent ? ChangeOp.Append : _random.Next(4) == 0 ? ChangeOp.Delete : ChangeOp.Put;
        // Most writes know the shape of their collection; the others race to declare it, or are refused.
        var collection = _random.Next(8) == 0 ? $"c{_random.Next(4)}" : isEvent ? "event" : $"c{_random.Next(2)}";
        return Command(new WriteCommand
        {
            Key = new SyncedKey("acme", collection, isEvent && _random.Next(2) == 0 ? "" : $"k{_random.Next(4)}"),
            Op = op,
            Value = op == ChangeOp.Delete ? new byte[] { 0xC0 } : Value(_random.Next(20) == 0 ? "poison" : $"{_random.Next(3)}"),
            Expected = _random.Next(3) == 0 ? new Sequence(_random.Next(6)) : null,
            OnlyIfNoLiveRecord = _random.Next(10) == 0,
            IdempotencyKey = _random.Next(3) == 0 ? null : _random.Next(8) == 0 ? $"i{_random.Next(_keys + 1)}" : $"i{_keys++}",
        });
    }

    // The producer names the attempt, so that each fact says which request made it.
    private WriteCommand Command(WriteCommand like) => new()
    {
        Key = like.Key,
        Op = like.Op,
        Value = like.Value,
        Expected = like.Expected,
        OnlyIfNoLiveRecord = like.OnlyIfNoLiveRecord,
        IdempotencyKey = like.IdempotencyKey,
        Producer = new Producer("attempt", $"{_attempts++}"),
    };

    private void Ask(WriteRequest request)
    {
        _asked.Add(request);
        _core.Submit(request);
    }

    private void TakeLoad()
    {
        if (_core.TryTakeLoad(out var ticket))
            _late.Add((ticket, Done(_store.LoadAsync(new FeedId(0), ticket.Request))));
    }

    private void AnswerLoads()
    {
        TakeLoad();
        while (_late.Count > 0)
        {
            var (ticket, loaded) = _late[_random.Next(_late.Count)];
            _late.RemoveAll(late => late.Ticket == ticket);
            if (_random.Next(10) == 0) _core.LoadFailed(ticket);
            else _core.Loaded(ticket, loaded);
        }
    }

    private void Group()
    {
        if (_core.TryTakeGroup(new Timestamp(_now), _ids, Position.Start) is { } group) _sent.Add(group);
        if (_core.InFlight.Count > 1) Met.Add("two in flight");
        Collect();
    }

    private FactGroup? Pending() => _sent.Count == 0 ? null : _sent[_random.Next(_sent.Count)];

    private void Outcome()
    {
        if (_core.Phase == SequencerPhase.Resolving)
        {
            Resolve();
            return;
        }
        if (Pending() is not { } group) return;
        if (_untold.ContainsKey(group))
        {
            Return(group);
            return;
        }
        switch (_random.Next(12))
        {
            case 0:
            case < 4 when _core.InFlight.Count > 1 && _core.InFlight[0] == group:
                Met.Add("failed");
                Report(group, new CommitOutcome.Failed("random"));
                break;
            case 1:
                Met.Add(InStore(group) is CommitOutcome.Committed ? "unknown stored" : "unknown not stored");
                Report(group, new CommitOutcome.Unknown("random"));
                break;
            case 2:
                Met.Add("unknown not stored");
                _stragglers.Add(group);
                Report(group, new CommitOutcome.Unknown("random"));
                break;
            case < 6:
                // The store is done with it, and the answer is on its way.
                _untold[group] = InStore(group);
                break;
            default:
                Return(group);
                break;
        }
    }

    private void Return(FactGroup group)
    {
        if (!_untold.Remove(group, out var outcome)) outcome = InStore(group);
        Report(group, outcome);
    }

    private void Resolve()
    {
        if (_random.Next(4) == 0) Foreign();
        var after = _core.InFlight[0].Expected;
        var state = Done(_store.AcquireAsync(new FeedId(0), "one", TimeSpan.FromHours(1)))!;
        var found = Done(_store.ReadFeedAsync(new FeedId(0), after, 1000, int.MaxValue)).Facts;
        // What was on its way under the old epoch arrives now, and must not land.
        foreach (var straggler in _stragglers) Done(_store.CommitAsync(straggler));
        _stragglers.Clear();
        _core.Resolved(state, found);
    }

    // Another owner for a moment: it takes the feed, writes, and is gone.
    private void Foreign()
    {
        var state = Done(_store.AcquireAsync(new FeedId(0), "one", TimeSpan.FromHours(1)))!;
        var other = new SequencerCore(state, new HistoryId(1), _options, _faults);
        other.Submit(new WriteRequest(Put(new("acme", "c0", $"k{_random.Next(4)}"), "foreign"), TimeSpan.MaxValue));
        while (other.TryTakeLoad(out var ticket))
            other.Loaded(ticket, Done(_store.LoadAsync(new FeedId(0), ticket.Request)));
        if (other.TryTakeGroup(new Timestamp(_now), _ids, Position.Start) is { } group)
            other.CommitReturned(group, InStore(group));
    }

    private CommitOutcome InStore(FactGroup group)
    {
        var poison = Hash256.Of(Value("poison"));
        foreach (var pending in group.Facts)
            if (pending.Fact.ValueHash == poison) return new CommitOutcome.DataError("poison");
        return Done(_store.CommitAsync(group));
    }

    private void Report(FactGroup group, CommitOutcome outcome)
    {
        if (outcome is CommitOutcome.Fenced) Met.Add("fenced");
        if (outcome is CommitOutcome.TooEarly) Met.Add("too early");
        if (outcome is CommitOutcome.DuplicateKey) Met.Add("DuplicateKey");
        if (outcome is CommitOutcome.Committed && _core.InFlight is [var first, ..] && first != group) Met.Add("answers out of order");
        _sent.Remove(group);
        _core.CommitReturned(group, outcome);
        Collect();
        if (_core.Phase == SequencerPhase.Lost) _core = TakeOver();
    }

    // The old owner does not know yet: what it has in flight arrives after the new one has the lease.
    private SequencerCore TakeOver()
    {
        if (_core is not null)
        {
            if (_core.Phase == SequencerPhase.Resolving) _core.ResolveFailed("random");
            _core.LeaseLost();
        }
        var state = Done(_store.AcquireAsync(new FeedId(0), "one", TimeSpan.FromHours(1)))!;
        foreach (var straggler in _stragglers) Done(_store.CommitAsync(straggler));
        _stragglers.Clear();
        while (_core is not null && Pending() is { } late)
        {
            if (!_untold.Remove(late, out var outcome)) outcome = InStore(late);
            if (outcome is CommitOutcome.Fenced) Met.Add("fenced");
            _sent.Remove(late);
            _core.CommitReturned(late, outcome);
        }
        if (_core is not null) Collect();
        _late.Clear();
        return new SequencerCore(state, new HistoryId(1), _options, _faults);
    }

    private void Collect()
    {
        while (_core.TryTakeCompletion(out var completion))
        {
            if (!_answered.Add(completion.Request)) _wrong.Add("a request was answered twice");
            if (completion.Result is { } single) Note(completion.Request, 0, single);
            else NoteBatch(completion.Request, completion.Atomic!);
        }
        while (_core.TryTakeCommitted(out _)) Met.Add("committed");
    }

    private void NoteBatch(WriteRequest request, AtomicResult result)
    {
        Met.Add(result is AtomicResult.Committed ? "batch" : "batch refused");
        if (result is AtomicResult.Committed committed)
            for (var line = 0; line < committed.Lines.Count; line++) Note(request, line, committed.Lines[line]);
        else if (result is AtomicResult.Refused refused)
            for (var line = 0; line < request.Count; line++)
                Note(request, line, new WriteResult.Refused(refused.Refusal));
        else
            for (var line = 0; line < request.Count; line++) Note(request, line, new WriteResult.Unknown("batch"));
    }

    private void Note(WriteRequest request, int line, WriteResult result)
    {
        if (result is WriteResult.Refused refused)
        {
            Met.Add(refused.Refusal.Code.ToString());
            var key = request.Command(line).Key;
            // A line of a batch may be refused by a line before it.
            if (!request.IsAtomic && refused.Refusal.Last is { } last
                && last > (Done(_store.GetAsync(key, AsOf.Now))?.Sequence ?? Sequence.None))
                _wrong.Add($"{key} was refused by sequence {last}, which is not written");
        }
        if (result is WriteResult.Committed { Replayed: true }) Met.Add("replayed");
        if (result is WriteResult.Unknown) Met.Add("unknown");
        _answers.Add((request, line, result));
    }

    private static T Done<T>(ValueTask<T> task)
    {
#pragma warning disable VSTHRD002 // The memory ledger completes within the call.
        return task.Result;
#pragma warning restore VSTHRD002
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Testing.Ledger;

/// <summary>A sequencer on a memory ledger, driven by hand: nothing happens but what the test asks for.</summary>
public sealed class SequencerRig
{
    private readonly Dictionary<WriteRequest, WriteCompletion> _answers = [];
    private readonly PlantedFaults? _faults;

    /// <summary>Acquires the only feed of a new ledger, or of the one given.</summary>
    public SequencerRig(
        LedgerOptions? options = null, PlantedFaults? faults = null, MemoryLedgerStore? store = null,
        SequentialIds? ids = null)
    {
        Ids = ids ?? new SequentialIds();
        _faults = faults;
        Options = options ?? new LedgerOptions { Owner = "one" };
        Store = store ?? new MemoryLedgerStore(Time, new MemoryLedgerOptions { Feeds = 1 }, faults);
        Core = new(Take("one"), Store.Info.History, Options, faults);
    }

    /// <summary>Default options of tests.</summary>
    public LedgerOptions Options { get; }

    /// <summary>The clock of leases.</summary>
    public ManualTimeProvider Time { get; } = new();

    /// <summary>The ledger.</summary>
    public MemoryLedgerStore Store { get; }

    /// <summary>The core under test.</summary>
    public SequencerCore Core { get; }

    /// <summary>Facts given to the publisher.</summary>
    public List<Fact> Committed { get; } = [];

    /// <summary>Loads taken so far.</summary>
    public int Loads { get; private set; }

    /// <summary>Wall clock of groups.</summary>
    public Timestamp Now { get; set; } = new(1_000_000_000);

    private SequentialIds Ids { get; }

    /// <summary>A new owner of the same ledger: it knows nothing but the feed's state.</summary>
    public SequencerRig Successor() => new(Options, _faults, Store, Ids);

    /// <summary>Takes the lease, which must be free.</summary>
    public FeedState Take(string owner) =>
        Completed(Store.AcquireAsync(new FeedId(0), owner, TimeSpan.FromMinutes(1))).ShouldNotBeNull();

    /// <summary>Submits one write.</summary>
    public WriteRequest Submit(WriteCommand command, TimeSpan? deadline = null, WriteOrder? order = null) =>
        Submit(new WriteRequest(command, deadline ?? TimeSpan.FromHours(1), order));

    /// <summary>Submits an atomic batch.</summary>
    public WriteRequest SubmitBatch(params WriteCommand[] commands) =>
        Submit(new WriteRequest(commands, TimeSpan.FromHours(1)));

    /// <summary>Carries out all loads that are wanted.</summary>
    public void Load()
    {
        while (Core.TryTakeLoad(out var ticket)) Core.Loaded(ticket, Read(ticket));
    }

    /// <summary>What the store says to a load, without handing it to the core.</summary>
    public Loaded Read(LoadTicket ticket)
    {
        Loads++;
        return Completed(Store.LoadAsync(new FeedId(0), ticket.Request));
    }

    /// <summary>The next group, if there is one, not committed.</summary>
    public FactGroup? Group()
    {
        var group = Core.TryTakeGroup(Now, Ids, Position.Start);
        Collect();
        return group;
    }

    /// <summary>Commits the first group in flight in the store and reports it.</summary>
    public CommitOutcome Commit() => Report(InStore(Core.InFlight[0]));

    /// <summary>Commits a group in the store, and tells nobody.</summary>
    public CommitOutcome InStore(FactGroup group) => Completed(Store.CommitAsync(group));

    /// <summary>Reports an outcome of a group in flight; of the first unless told otherwise.</summary>
    public CommitOutcome Report(CommitOutcome outcome, FactGroup? group = null)
    {
        Core.CommitReturned(group ?? Core.InFlight[0], outcome);
        Collect();
        return outcome;
    }

    /// <summary>Takes the feed over from itself and reads what stands there.</summary>
    public void Resolve()
    {
        var after = Core.InFlight[0].Expected;
        var state = Take("one");
        Core.Resolved(state, Completed(Store.ReadFeedAsync(new FeedId(0), after, 1000, 1 << 30)).Facts);
        Collect();
    }

    /// <summary>Loads and commits until nothing more happens.</summary>
    public void Settle()
    {
        for (var turn = 0; turn < 10_000; turn++)
        {
            Load();
            if (Group() is null && !HasWork() && Core.InFlight.Count == 0) return;
            if (Core.InFlight.Count > 0) Commit();
        }
        throw new InvalidOperationException("It does not settle.");
    }

    /// <summary>Submits and settles.</summary>
    public WriteResult Write(WriteCommand command)
    {
        var request = Submit(command);
        Settle();
        return Result(request);
    }

    /// <summary>A single write's answer; it must be there.</summary>
    public WriteResult Result(WriteRequest request) => _answers[request].Result.ShouldNotBeNull();

    /// <summary>An atomic batch's answer; it must be there.</summary>
    public AtomicResult Batch(WriteRequest request) => _answers[request].Atomic.ShouldNotBeNull();

    /// <summary>A committed write's receipt.</summary>
    public Receipt Receipt(WriteRequest request) => Result(request).ShouldBeOfType<WriteResult.Committed>().Receipt;

    /// <summary>A refused write's code.</summary>
    public RefusalCode Refusal(WriteRequest request) =>
        Result(request).ShouldBeOfType<WriteResult.Refused>().Refusal.Code;

    /// <summary>True when the request was answered.</summary>
    public bool IsAnswered(WriteRequest request) => _answers.ContainsKey(request);

    /// <summary>Takes completions and committed facts; each request is answered once.</summary>
    public void Collect()
    {
        while (Core.TryTakeCompletion(out var completion))
            _answers.TryAdd(completion.Request, completion).ShouldBeTrue();
        while (Core.TryTakeCommitted(out var facts)) Committed.AddRange(facts);
    }

    /// <summary>What is wrong with the ledger; empty = nothing.</summary>
    public IReadOnlyList<string> Check() =>
        Completed(new ValueTask<IReadOnlyList<string>>(LedgerChecker.CheckAsync(Store)));

    private bool HasWork()
    {
        if (!Core.TryTakeLoad(out var ticket)) return false;
        Core.Loaded(ticket, Read(ticket));
        return true;
    }

    private WriteRequest Submit(WriteRequest request)
    {
        Core.Submit(request);
        Collect();
        return request;
    }

    // The memory ledger completes within the call.
    private static T Completed<T>(ValueTask<T> task)
    {
        task.IsCompletedSuccessfully.ShouldBeTrue();
#pragma warning disable VSTHRD002 // It is complete: nothing waits.
        return task.Result;
#pragma warning restore VSTHRD002
    }
}

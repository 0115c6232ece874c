using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Orders the writes of one feed: a deterministic state machine without clock, task or random
/// source.</summary>
/// <remarks>
/// Inputs are the methods; effects are pulled: loads, groups, completions, committed facts. One caller at a time.
/// <para>Rules that everything rests on:</para>
/// <list type="number">
/// <item>Groups are in flight in the order of their positions, each on top of the one before it: the store takes one only
/// where the one before it ends. So a group cannot be written unless all before it are. When one is not written, those on
/// top of it cannot be either: their outcomes are awaited, and until then no other group is formed, which might end where
/// the first was to end. Then all go back, the last first.</item>
/// <item>A refusal or a replay is answered only from committed state: a write that would be refused because of a group
/// being formed or in flight waits until that is settled. So no answer rests on facts that may yet fail.</item>
/// <item>Arrival order per key and per idempotency key: when a request waits, later ones that share a name wait
/// behind it.</item>
/// <item>A load never replaces newer state. A head is asked for only while nothing is known of it, and a group takes
/// only known heads; a head in a group is pinned, so it cannot be forgotten and asked for again while its commit is
/// in flight. So no commit of ours to a key lies between the reading and the arrival of its load; commits of others
/// are impossible under our epoch, and when another epoch lay between, all knowledge is dropped and older tickets are
/// void.</item>
/// <item>Nothing is refused for what is known of its names unless the lease is certain: who has lost it without knowing
/// would refuse by what is old.</item>
/// <item>Nothing is acknowledged before the store said committed, or the facts were read back under a newer
/// epoch.</item>
/// </list>
/// <para>Queue: full → refused as overloaded. Caches: least recently used leaves. Each bound is in
/// <see cref="LedgerOptions"/>.</para>
/// </remarks>
public sealed partial class SequencerCore
{
    private readonly LedgerOptions _options;
    private readonly HistoryId _history;
    private readonly PlantedFaults _faults;
    private readonly PinnedCache<SyncedKey, HeadEntry> _heads;
    private readonly PinnedCache<CollectionName, CollectionEntry> _collections;
    private readonly PinnedCache<IdempotencyName, IdempotencyEntry> _idempotency;
    private readonly Queue<HeadEntry> _wantedHeads = [];
    private readonly Queue<CollectionEntry> _wantedCollections = [];
    private readonly Queue<IdempotencyEntry> _wantedIdempotency = [];
    private readonly Queue<WriteCompletion> _completions = [];
    private readonly Queue<IReadOnlyList<Fact>> _committed = [];
    private readonly WaitingWrites _waiting = new();
    private readonly List<GroupInFlight> _inFlight = [];

    private FeedState _state;
    private int _generation;
    private bool _changed;

    /// <summary>Starts to own a feed.</summary>
    /// <param name="state">Where the feed stands under the lease just acquired.</param>
    /// <param name="history">The ledger's history.</param>
    /// <param name="options">Limits.</param>
    /// <param name="faults">For the simulation only.</param>
    public SequencerCore(FeedState state, HistoryId history, LedgerOptions options, PlantedFaults? faults = null)
    {
        _state = state;
        _history = history;
        _options = options;
        _faults = faults ?? PlantedFaults.None;
        _heads = new(options.HeadsCachedMax, static key => new HeadEntry(key), HeadLeft);
        _collections = new(options.CollectionsCachedMax, static key => new CollectionEntry(key));
        _idempotency = new(options.IdempotencyKeysCachedMax, static key => new IdempotencyEntry(key));
    }

    /// <summary>What it does now.</summary>
    public SequencerPhase Phase { get; private set; }

    /// <summary>The lease it works under.</summary>
    public FeedLease Lease => _state.Lease;

    /// <summary>Last position known to be committed.</summary>
    public Position Position => _state.Position;

    /// <summary>The groups in flight, in the order of their positions; at most
    /// <see cref="LedgerOptions.GroupsInFlightMax"/>.</summary>
    public IReadOnlyList<FactGroup> InFlight => _inFlight.ConvertAll(one => one.Group);

    /// <summary>Set by the shell before <see cref="TryTakeGroup"/>: true while the lease cannot have run out, by a steady clock
    /// and the time before the call that last took or renewed it. Once it may have, another owner may have committed, and what
    /// is known here may be old: such a commit is fenced, but nothing would stop a refusal. So nothing is refused for good
    /// then. Default true.</summary>
    public bool IsLeaseCertain { get; set; } = true;

    /// <summary>Writes admitted and not answered.</summary>
    public int Queued { get; private set; }

    /// <summary>Their bytes.</summary>
    public long QueuedBytes { get; private set; }

    /// <summary>What the caches hold. Each exceeds its bound only by what the queued writes need.</summary>
    public (int Heads, int Collections, int IdempotencyKeys) Kept => (_heads.Count, _collections.Count, _idempotency.Count);

    /// <summary>True when nothing waits and nothing is in flight.</summary>
    public bool IsIdle => _waiting.IsEmpty && _inFlight.Count == 0;

    /// <summary>Takes a request in, or answers it at once.</summary>
    public void Submit(WriteRequest request)
    {
        if (CheckAdmission(request) is { } refusal)
        {
            Complete(request, request.IsAtomic ? null : new WriteResult.Refused(refusal),
                request.IsAtomic ? new AtomicResult.Refused(null, refusal) : null);
            return;
        }
        Queued += request.Count;
        QueuedBytes += request.QueuedBytes;
        Bind(request);
        _waiting.Append(request);
        _changed = true;
    }

    /// <summary>Something that must be known before waiting writes can be decided.</summary>
    /// <param name="ticket">Ask the store, then hand the ticket back to <see cref="Loaded"/> or
    /// <see cref="LoadFailed"/>.</param>
    public bool TryTakeLoad([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out LoadTicket? ticket)
    {
        ticket = null;
        if (Phase == SequencerPhase.Lost
            || _wantedHeads.Count + _wantedCollections.Count + _wantedIdempotency.Count == 0)
            return false;
        ticket = new LoadTicket(
            _generation, TakeWanted(_wantedHeads), TakeWanted(_wantedCollections), TakeWanted(_wantedIdempotency));
        return true;
    }

    /// <summary>The answer to a load.</summary>
    public void Loaded(LoadTicket ticket, Loaded loaded)
    {
        if (ticket.Generation != _generation) return;
        for (var index = 0; index < ticket.Heads.Length; index++)
        {
            var entry = ticket.Heads[index];
            if (entry.Knowledge != Knowledge.Loading && !_faults.SequenceFromStaleLoad) continue;
            entry.Head = loaded.Heads[index];
            entry.Knowledge = Knowledge.Ready;
        }
        for (var index = 0; index < ticket.Collections.Length; index++)
        {
            if (ticket.Collections[index].Knowledge != Knowledge.Loading) continue;
            ticket.Collections[index].Last = loaded.Collections[index].LastPosition;
            ticket.Collections[index].Shape = loaded.Collections[index].Shape;
            ticket.Collections[index].HasAllHeads = loaded.Collections[index].LastPosition == Position.Start;
            ticket.Collections[index].Knowledge = Knowledge.Ready;
        }
        for (var index = 0; index < ticket.Idempotency.Length; index++)
        {
            if (ticket.Idempotency[index].Knowledge != Knowledge.Loading) continue;
            var fact = loaded.Idempotency[index];
            ticket.Idempotency[index].Know(
                fact is null ? null : Receipt.Of(fact, _history), fact?.Op ?? default, fact?.SchemaVersion ?? default);
        }
        _changed = true;
    }

    /// <summary>The load did not work: what it asked for is wanted again.</summary>
    public void LoadFailed(LoadTicket ticket)
    {
        if (ticket.Generation != _generation) return;
        foreach (var entry in ticket.Heads)
            if (entry.Knowledge == Knowledge.Loading) Want(entry);
        foreach (var entry in ticket.Collections)
            if (entry.Knowledge == Knowledge.Loading) Want(entry);
        foreach (var entry in ticket.Idempotency)
            if (entry.Knowledge == Knowledge.Loading) Want(entry);
        ForgetUnneeded();
    }

    /// <summary>A finished request to answer.</summary>
    public bool TryTakeCompletion(out WriteCompletion completion) => _completions.TryDequeue(out completion);

    /// <summary>Facts that became durable, in feed order, for the publisher.</summary>
    public bool TryTakeCommitted([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IReadOnlyList<Fact>? facts) =>
        _committed.TryDequeue(out facts);

    /// <summary>Answers what has waited too long: refused when it waits, unknown when its group is in
    /// flight.</summary>
    /// <param name="now">Steady clock.</param>
    public void Expire(TimeSpan now)
    {
        var late = _waiting.RemoveWhere(request => request.Deadline <= now);
        foreach (var request in late)
            Finish(request, null, new Refusal(RefusalCode.LedgerUnavailable,
                "The ledger did not take the write before its deadline; nothing was committed. Try again later."));
        if (late.Count > 0) ForgetUnneeded();
        foreach (var group in _inFlight)
            foreach (var request in group.Requests)
                if (!request.IsAnswered && request.Deadline <= now)
                    AnswerUnknown(request, "The commit was in flight when the deadline passed.");
    }

    /// <summary>Admits nothing more; what waits is still committed. Release the lease when
    /// <see cref="IsIdle"/>.</summary>
    public void Stop()
    {
        if (Phase is SequencerPhase.Owning) Phase = SequencerPhase.Stopping;
        _stopping = true;
    }

    /// <summary>The feed is another's, or this process gives up: everything that waits is refused; groups in
    /// flight still get the answers that their commits give.</summary>
    public void LeaseLost()
    {
        if (Phase == SequencerPhase.Resolving) GiveUp("The lease was lost before the outcome was known.");
        Lose("The feed has another owner now; nothing was committed.");
    }
}

/// <summary>What a sequencer does.</summary>
public enum SequencerPhase
{
    /// <summary>Takes writes and commits them.</summary>
    Owning,

    /// <summary>Admits no more, commits what it has.</summary>
    Stopping,

    /// <summary>A commit's outcome is unknown: acquire the lease anew, read the feed behind the
    /// <see cref="FactGroup.Expected"/> of the first group in flight, call <see cref="SequencerCore.Resolved"/>.</summary>
    Resolving,

    /// <summary>Owns nothing any more; refuses everything.</summary>
    Lost,
}

using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Which shards must be derived again, and when. Any number of changes of a shard while it waits or is derived
/// are one further derivation at most; a shard is handed out to one at a time; a failed one waits its turn without
/// holding up others. Holds only shards that are not settled.</summary>
public sealed class ShardQueueCore
{
    private readonly InsightOptions _options;
    private readonly PlantedFaults _faults;
    private readonly Dictionary<ShardSource, Entry> _entries = [];
    private readonly Queue<ShardSource> _ready = new();
    private readonly SortedSet<(Timestamp Due, long Order, ShardSource Shard)> _timers =
        new(Comparer<(Timestamp Due, long Order, ShardSource Shard)>.Create((x, y) =>
            x.Due != y.Due ? x.Due.CompareTo(y.Due) : x.Order.CompareTo(y.Order)));
    private readonly int[] _counts = new int[Enum.GetValues<ShardState>().Length];
    private long _order;

    /// <summary>Starts empty.</summary>
    public ShardQueueCore(InsightOptions options) : this(options, PlantedFaults.None)
    {
    }

    internal ShardQueueCore(InsightOptions options, PlantedFaults faults) => (_options, _faults) = (options, faults);

    /// <summary>Shards that wait for their derivation or its retry, or are derived; dead letters are none.</summary>
    public int Pending => _counts[(int)ShardState.Ready] + _counts[(int)ShardState.Running] + _counts[(int)ShardState.Waiting];

    /// <summary>Shards in a state.</summary>
    public int Count(ShardState state) => _counts[(int)state];

    /// <summary>Changes that needed no derivation of their own.</summary>
    public long Coalesced { get; private set; }

    /// <summary>Derivations that were tried again.</summary>
    public long Retries { get; private set; }

    /// <summary>Derivations that were handed out again since nothing was heard of them in time.</summary>
    public long Redelivered { get; private set; }

    /// <summary>When <see cref="TryStart"/> may have something new without an input; null = never.</summary>
    public Timestamp? NextDue => _timers.Count == 0 ? null : _timers.Min.Due;

    /// <summary>Shards whose last derivation failed for good, or too often, or that are tried again after
    /// that.</summary>
    public IEnumerable<DeadLetter> DeadLetters =>
        from pair in _entries
        where pair.Value.DeadSince is not null
        select new DeadLetter(pair.Key, pair.Value.Failures, pair.Value.Attempt, pair.Value.DeadSince!.Value);

    /// <summary>The shard must be derived at this position or behind it.</summary>
    public void Changed(ShardSource shard, FeedPosition at)
    {
        if (!_entries.TryGetValue(shard, out var entry))
        {
            _entries.Add(shard, entry = new Entry { Wanted = at });
            _counts[(int)ShardState.Ready]++;
            _ready.Enqueue(shard);
            return;
        }
        var isLost = _faults.NewestCoalescedAway && entry.State == ShardState.Running;
        if (!isLost && (entry.Wanted.History != at.History || entry.Wanted.Position < at.Position)) entry.Wanted = at;
        if (entry.State is ShardState.Dead or ShardState.Parked)
        {
            // New records may be what it takes.
            entry.Attempt = 0;
            MakeReady(shard, entry);
        }
        else
        {
            Coalesced++;
        }
    }

    /// <summary>Everything will be compared anew in this history: what older ones wanted has no meaning.</summary>
    public void Restarted(HistoryId history)
    {
        foreach (var entry in _entries.Values.Where(entry => entry.Wanted.History != history))
            entry.Wanted = new FeedPosition(entry.Wanted.Feed, history, Position.Start);
    }

    /// <summary>Tries dead letters again, now.</summary>
    /// <returns>How many.</returns>
    public int Replay(Func<ShardSource, bool> which)
    {
        var shards = _entries.Where(pair => pair.Value.State is ShardState.Dead or ShardState.Parked && which(pair.Key)).ToList();
        foreach (var (shard, entry) in shards)
        {
            entry.Attempt = 0;
            MakeReady(shard, entry);
        }
        return shards.Count;
    }

    /// <summary>The next shard to derive, as long as not too many are.</summary>
    public bool TryStart(Timestamp now, out DeriveShard message)
    {
        TakeDue(now);
        message = default!;
        if (Count(ShardState.Running) >= _options.InFlightMax || !_ready.TryDequeue(out var shard)) return false;
        var entry = _entries[shard];
        Enter(entry, ShardState.Running);
        entry.Ticket = ++_order;
        // What is never heard of again is handed out again; by then its own time-out has ended it.
        if (!_faults.NeverRedelivered) Arm(shard, entry, Later(now, _options.DeriveTimeout + _options.DeriveTimeout));
        message = new DeriveShard(shard.Vault, shard.Collection, entry.Ticket);
        return true;
    }

    /// <summary>A derivation ended and every summary of the shard stands at a position.</summary>
    public void Succeeded(DeriveShard message, FeedPosition stands, Timestamp now)
    {
        if (Running(message) is not { } entry) return;
        var shard = message.Shard;
        Disarm(shard, entry);
        (entry.Attempt, entry.DeadSince, entry.Failures) = (0, null, []);
        if (stands.History != entry.Wanted.History) Wait(shard, entry, Later(now, _options.RetryDelayMin), ShardState.Waiting);
        else if (stands.Position < entry.Wanted.Position) MakeReady(shard, entry);
        else
        {
            _counts[(int)entry.State]--;
            _entries.Remove(shard);
        }
    }

    /// <summary>A derivation ended, and at least one summary does not stand.</summary>
    public void Failed(DeriveShard message, IReadOnlyList<DerivationFailure> failures, Timestamp now)
    {
        if (Running(message) is not { } entry) return;
        var shard = message.Shard;
        Disarm(shard, entry);
        entry.Failures = failures;
        entry.Attempt++;
        var isTransient = failures.All(failure => failure.IsTransient);
        if (entry.Attempt <= _options.RetriesMax)
        {
            Retries++;
            Wait(shard, entry, Later(now, Delay(entry.Attempt)), ShardState.Waiting);
            return;
        }
        if (_faults.DeadLetterForgotten)
        {
            _counts[(int)entry.State]--;
            _entries.Remove(shard);
            return;
        }
        entry.DeadSince ??= now;
        // A writer that was away for long must not need a person for each shard: these are tried on, slowly.
        if (isTransient) Wait(shard, entry, Later(now, _options.RetryDelayMax), ShardState.Parked);
        else Enter(entry, ShardState.Dead);
    }

    private Entry? Running(DeriveShard message) =>
        _entries.TryGetValue(message.Shard, out var entry) && entry.State == ShardState.Running && entry.Ticket == message.Ticket
            ? entry : null;

    private void TakeDue(Timestamp now)
    {
        while (_timers.Count > 0 && _timers.Min.Due <= now)
        {
            var shard = _timers.Min.Shard;
            var entry = _entries[shard];
            if (entry.State == ShardState.Running) Redelivered++;
            MakeReady(shard, entry);
        }
    }

    private void MakeReady(ShardSource shard, Entry entry)
    {
        Disarm(shard, entry);
        Enter(entry, ShardState.Ready);
        _ready.Enqueue(shard);
    }

    private void Wait(ShardSource shard, Entry entry, Timestamp due, ShardState state)
    {
        Enter(entry, state);
        Arm(shard, entry, due);
    }

    private void Enter(Entry entry, ShardState state)
    {
        _counts[(int)entry.State]--;
        _counts[(int)state]++;
        entry.State = state;
    }

    private void Arm(ShardSource shard, Entry entry, Timestamp due)
    {
        entry.Timer = (due, ++_order);
        _timers.Add((due, entry.Timer.Value.Order, shard));
    }

    private void Disarm(ShardSource shard, Entry entry)
    {
        if (entry.Timer is { } timer) _timers.Remove((timer.Due, timer.Order, shard));
        entry.Timer = null;
    }

    private TimeSpan Delay(int attempt)
    {
        var delay = _options.RetryDelayMin * Math.Pow(2, Math.Min(attempt - 1, 20));
        return delay < _options.RetryDelayMax ? delay : _options.RetryDelayMax;
    }

    private static Timestamp Later(Timestamp now, TimeSpan by) => new(now.UnixMicroseconds + (by.Ticks / TimeSpan.TicksPerMicrosecond));

    private sealed class Entry
    {
        public FeedPosition Wanted;
        public ShardState State = ShardState.Ready;
        public int Attempt;
        public long Ticket;
        public (Timestamp Due, long Order)? Timer;
        public Timestamp? DeadSince;
        public IReadOnlyList<DerivationFailure> Failures = [];
    }
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What became of a request for a key.</summary>
public enum RefetchVerdict
{
    /// <summary>It waits for its turn.</summary>
    Queued,

    /// <summary>It joined the request that waits or is in flight.</summary>
    Coalesced,

    /// <summary>The queue is full: nothing will come of it; the next envelope or beat may ask again.</summary>
    Rejected,
}

/// <summary>What an answer or a failure meant for one key of a batch.</summary>
public enum RefetchOutcome
{
    /// <summary>Settled: deliver what was answered.</summary>
    Done,

    /// <summary>Deliver what was answered, if anything; the key was queued again (read too early, cut off, or an
    /// attempt failed).</summary>
    Again,

    /// <summary>The attempts are used up; the recovery has failed.</summary>
    GaveUp,

    /// <summary>Nobody wants it any more.</summary>
    Cancelled,
}

/// <summary>The refetch queue of one process and connection: single-flight per key, many keys of one vault in one
/// request, bounded in requests in flight and keys waiting, backing off with jitter. Pure: time and jitter are
/// inputs, and the shell sends what <see cref="TryStart"/> gives. One call at a time (the shell's duty).
/// <para>Invariants: a key is in at most one place (waiting or in flight); at most
/// <see cref="RefetchOptions.RequestsInFlightMax"/> batches are out; a request that joins one in flight is settled
/// only by an answer that stands at what it needs.</para></summary>
public sealed class RefetchCore
{
    private readonly RefetchOptions _options;
    private readonly Dictionary<SyncedKey, Entry> _entries = [];
    private readonly SortedSet<Entry> _waiting = new(Entry.ByDue);
    private readonly Dictionary<string, SortedSet<Entry>> _byVault = new(StringComparer.Ordinal);
    private long _order;

    /// <summary>An empty queue.</summary>
    /// <param name="options">Validated here.</param>
    public RefetchCore(RefetchOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
    }

    /// <summary>Requests in flight.</summary>
    public int InFlight { get; private set; }

    /// <summary>Keys that wait or are in flight.</summary>
    public int KeyCount => _entries.Count;

    /// <summary>True while an answer for the key is to be expected.</summary>
    public bool IsPending(SyncedKey key) => _entries.ContainsKey(key);

    /// <summary>Asks for a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="have">The lowest sequence that any local replica of it has; -1 asks in any case.</param>
    /// <param name="need">The answer must stand at or above this position, unless it is of another history; position
    /// 0 = not known: any answer read from now on.</param>
    /// <param name="due">When it may be sent at the earliest.</param>
    public RefetchVerdict Request(SyncedKey key, Sequence have, FeedPosition need, TimeSpan due)
    {
        if (_entries.TryGetValue(key, out var entry))
        {
            // Sent with more than this replica has (it was reset, or is another one): the answer may leave out what
            // it lacks.
            if (entry.IsInFlight && have < entry.Have) entry.IsAskedAgain = true;
            if (have < entry.Have) entry.Have = have;
            // A position of a replaced history says nothing about the new one.
            if (need.History != entry.Need.History || need.Position > entry.Need.Position) entry.Need = need;
            if (entry.IsInFlight) entry.IsAskedAgain |= need.Position == Position.Start;
            else if (due < entry.Due && entry.Attempts == 0) Requeue(entry, due); // a backoff is not cut short
            return RefetchVerdict.Coalesced;
        }
        if (_entries.Count >= _options.KeysMax) return RefetchVerdict.Rejected;
        entry = new Entry { Key = key, Have = have, Need = need };
        _entries.Add(key, entry);
        Enqueue(entry, due);
        return RefetchVerdict.Queued;
    }

    /// <summary>The last local replica of the key is gone.</summary>
    public void Cancel(SyncedKey key)
    {
        if (!_entries.Remove(key, out var entry)) return;
        if (!entry.IsInFlight) Dequeue(entry);
        entry.IsCancelled = true;
    }

    /// <summary>The next request to send, if one is due and the bound on requests in flight allows it. Call until
    /// false.</summary>
    public bool TryStart(TimeSpan now, out RefetchBatch batch)
    {
        batch = null!;
        if (InFlight >= _options.RequestsInFlightMax || _waiting.Min is not { } first || first.Due > now) return false;
        var entries = new List<Entry>();
        var waiting = _byVault[first.Key.Vault];
        while (entries.Count < _options.KeysPerRequestMax && waiting.Min is { } entry && entry.Due <= now)
        {
            Dequeue(entry);
            (entry.IsInFlight, entry.IsAskedAgain, entry.NeedSent) = (true, false, entry.Need);
            entries.Add(entry);
        }
        InFlight++;
        batch = new RefetchBatch(first.Key.Vault, entries);
        return true;
    }

    /// <summary>A request was answered.</summary>
    /// <param name="batch">Which; its outcomes are set.</param>
    /// <param name="history">The ledger's history.</param>
    /// <param name="position">Where the answer stands.</param>
    /// <param name="answered">How many of its items, from the first, were answered.</param>
    /// <param name="now">The time.</param>
    /// <param name="jitter">0 to 1, drawn by the shell.</param>
    public void Answered(
        RefetchBatch batch, HistoryId history, Position position, int answered, TimeSpan now, double jitter)
    {
        InFlight--;
        for (var index = 0; index < batch.Entries.Count; index++)
        {
            var entry = batch.Entries[index];
            // An answer that covers no item at all would be asked for again for ever: it counts as a failed attempt.
            batch.Outcomes[index] = entry.IsCancelled ? RefetchOutcome.Cancelled
                : index >= answered ? (answered > 0 ? Again(entry, now) : Retry(entry, now, jitter))
                : entry.Need.History == history && entry.Need.Position > position
                    // Who asked for more after it was sent has had no attempt yet.
                    ? entry.Need != entry.NeedSent ? Again(entry, now) : AskAgain(entry, now, jitter)
                : entry.IsAskedAgain ? Again(entry, now)
                : Done(entry);
        }
    }

    /// <summary>A request got no answer, or an error.</summary>
    /// <param name="batch">Which; its outcomes are set.</param>
    /// <param name="now">The time.</param>
    /// <param name="jitter">0 to 1, drawn by the shell.</param>
    public void Failed(RefetchBatch batch, TimeSpan now, double jitter)
    {
        InFlight--;
        for (var index = 0; index < batch.Entries.Count; index++)
        {
            var entry = batch.Entries[index];
            batch.Outcomes[index] = entry.IsCancelled ? RefetchOutcome.Cancelled : Retry(entry, now, jitter);
        }
    }

    /// <summary>When <see cref="TryStart"/> may next give something without a further input; null = only an answer
    /// or a request can change that.</summary>
    public TimeSpan? NextDue => InFlight >= _options.RequestsInFlightMax ? null : _waiting.Min?.Due;

    private RefetchOutcome Done(Entry entry)
    {
        _entries.Remove(entry.Key);
        return RefetchOutcome.Done;
    }

    private RefetchOutcome Again(Entry entry, TimeSpan now)
    {
        entry.Attempts = 0;
        Enqueue(entry, now);
        return RefetchOutcome.Again;
    }

    // Read too early, or nobody has committed that position yet: in the end the writer's word stands, it is no
    // failure.
    private RefetchOutcome AskAgain(Entry entry, TimeSpan now, double jitter) =>
        Retry(entry, now, jitter) == RefetchOutcome.GaveUp ? RefetchOutcome.Done : RefetchOutcome.Again;

    private RefetchOutcome Retry(Entry entry, TimeSpan now, double jitter)
    {
        if (++entry.Attempts >= _options.AttemptsMax)
        {
            _entries.Remove(entry.Key);
            return RefetchOutcome.GaveUp;
        }
        var backoff = _options.BackoffMin * Math.Pow(2, Math.Min(entry.Attempts - 1, 30));
        if (backoff > _options.BackoffMax) backoff = _options.BackoffMax;
        Enqueue(entry, now + (backoff * (0.5 + (0.5 * jitter))));
        return RefetchOutcome.Again;
    }

    private void Enqueue(Entry entry, TimeSpan due)
    {
        (entry.IsInFlight, entry.Due, entry.Order) = (false, due, ++_order);
        _waiting.Add(entry);
        if (!_byVault.TryGetValue(entry.Key.Vault, out var waiting))
            _byVault.Add(entry.Key.Vault, waiting = new SortedSet<Entry>(Entry.ByDue));
        waiting.Add(entry);
    }

    private void Dequeue(Entry entry)
    {
        _waiting.Remove(entry);
        var waiting = _byVault[entry.Key.Vault];
        waiting.Remove(entry);
        if (waiting.Count == 0) _byVault.Remove(entry.Key.Vault);
    }

    private void Requeue(Entry entry, TimeSpan due)
    {
        Dequeue(entry);
        Enqueue(entry, due);
    }

    internal sealed class Entry
    {
        public static readonly IComparer<Entry> ByDue = Comparer<Entry>.Create(
            (left, right) => left.Due != right.Due ? left.Due.CompareTo(right.Due) : left.Order.CompareTo(right.Order));

        public required SyncedKey Key { get; init; }
        public Sequence Have { get; set; }
        public FeedPosition Need { get; set; }

        /// <summary>What was needed when it was last sent.</summary>
        public FeedPosition NeedSent { get; set; }

        public TimeSpan Due { get; set; }
        public long Order { get; set; }
        public int Attempts { get; set; }
        public bool IsInFlight { get; set; }
        public bool IsAskedAgain { get; set; }
        public bool IsCancelled { get; set; }
    }
}

/// <summary>One request: keys of one vault.</summary>
public sealed class RefetchBatch
{
    internal RefetchBatch(string vault, List<RefetchCore.Entry> entries)
    {
        (Vault, Entries, Outcomes) = (vault, entries, new RefetchOutcome[entries.Count]);
        var items = new RefetchItem[entries.Count];
        for (var index = 0; index < items.Length; index++)
            items[index] = new RefetchItem(entries[index].Key.Collection, entries[index].Key.Key, entries[index].Have);
        Items = items;
    }

    /// <summary>The vault of all items.</summary>
    public string Vault { get; }

    /// <summary>What to send.</summary>
    public IReadOnlyList<RefetchItem> Items { get; }

    /// <summary>What became of each item, once the core was told how the request ended.</summary>
    public RefetchOutcome[] Outcomes { get; }

    /// <summary>The key of an item.</summary>
    public SyncedKey KeyOf(int index) => Entries[index].Key;

    internal List<RefetchCore.Entry> Entries { get; }
}

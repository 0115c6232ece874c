using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;

namespace Sync.Simulation;

/// <summary>What the ledger holds, read by a cursor that is never reset: the truth that everything else is held
/// against. Checks R2, R3, R4 and R9 at each fact.</summary>
internal sealed class LedgerTruth(World world)
{
    private readonly Dictionary<HistoryId, HistoryView> _histories = [];

    public HistoryView Of(HistoryId history)
    {
        if (!_histories.TryGetValue(history, out var view))
            _histories.Add(history, view = new HistoryView(world.Plan.Feeds));
        return view;
    }

    public HistoryView Now => Of(world.Store.Ledger.Info.History);

    /// <summary>Reads on behind the cursor, a page at a time.</summary>
    public void Poll(FeedId feed, int limit)
    {
        var ledger = world.Store.Ledger;
        var view = Of(ledger.Info.History);
        while (true)
        {
            var cursor = view.Position(feed);
            var page = StoreModel.Done(ledger.ReadFeedAsync(feed, cursor, limit, 1 << 20));
            foreach (var fact in page.Facts) Take(view, feed, fact);
            Violation.Unless(page.More || view.Position(feed) == page.Position, Invariants.Cursor,
                () => $"feed {feed}: a page behind {cursor} ends at {view.Position(feed)}, not at {page.Position}");
            if (!page.More) return;
        }
    }

    /// <summary>Reads everything once more from the start: no position may have got another fact.</summary>
    public void PollFromStart()
    {
        var ledger = world.Store.Ledger;
        for (var index = 0; index < world.Plan.Feeds; index++)
        {
            var feed = new FeedId(index);
            Poll(feed, 100);
            var page = StoreModel.Done(ledger.ReadFeedAsync(feed, Position.Start, int.MaxValue, int.MaxValue));
            Violation.Unless(page.Facts.Count == Now.Facts(feed).Count, Invariants.Dense,
                () => $"feed {feed} lost facts");
            for (var at = 0; at < page.Facts.Count; at++)
                Violation.Unless(ReferenceEquals(page.Facts[at], Now.Facts(feed)[at]), Invariants.Dense,
                    () => $"feed {feed} has another fact at {at + 1}");
        }
    }

    // Looked at for every fact, so it makes no text before it is needed.
    private static void Unless(bool holds, string invariant, Fact fact, string what)
    {
        if (holds) return;
        throw new Violation(invariant,
            $"{fact.Key} {what}: position {fact.Position}, sequence {fact.Sequence}, epoch {fact.Epoch}, "
            + $"idempotency key {fact.IdempotencyKey}");
    }

    private void Take(HistoryView view, FeedId feed, Fact fact)
    {
        var last = view.Last(feed);
        var lastOfKey = view.HeadOf(fact.Key);
        var at = fact.Position;
        Unless(at == view.Position(feed).Next, Invariants.Cursor, fact, "does not follow what was there before");
        Unless(fact.Sequence.Value == (lastOfKey?.Sequence.Value ?? 0) + 1, Invariants.Dense, fact, "skips a sequence");
        Unless(fact.Causation == lastOfKey?.Id, Invariants.Dense, fact, "does not name the fact before it");
        Unless(fact.After == view.LastOf(fact.Key.Vault, fact.Key.Collection), Invariants.Dense, fact,
            "does not name the collection's last position");
        Unless(fact.Chain == FactChain.Next(last?.Chain ?? default, fact), Invariants.Dense, fact, "breaks the chain");
        Unless(last is null || fact.TransactionTime >= last.TransactionTime,
            Invariants.Dense, fact, "goes back in time");
        Unless(last is null || fact.Epoch.Value >= last.Epoch.Value, Invariants.Fenced, fact, "has an old epoch");
        Unless(fact.Op != ChangeOp.Delete || (lastOfKey is not null && lastOfKey.Op != ChangeOp.Delete),
            Invariants.Refused, fact, "deletes nothing");
        Unless(fact.IdempotencyKey is not { } key || view.TryUse(fact.Key.Vault, key), Invariants.Once, fact,
            "is the second of its idempotency key");
        if (lastOfKey?.Op == ChangeOp.Delete) world.Coverage.Add("re-put after a delete");
        view.Add(feed, fact);
        world.Trace.Add("fact", fact.Position.Value, fact.Sequence.Value, fact.Epoch.Value);
        world.Writes.Committed(fact, lastOfKey);
    }
}

/// <summary>The facts of one history, by position and by key.</summary>
internal sealed class HistoryView(int feeds)
{
    private readonly List<Fact>[] _feeds = [.. Enumerable.Range(0, feeds).Select(_ => new List<Fact>())];
    private readonly Dictionary<SyncedKey, List<Fact>> _keys = [];
    private readonly Dictionary<CollectionName, Position> _collections = [];
    private readonly HashSet<IdempotencyName> _used = [];

    /// <summary>Positions that the broker has taken, by feed.</summary>
    public HashSet<(FeedId Feed, Position Position)> Published { get; } = [];

    public IReadOnlyList<Fact> Facts(FeedId feed) => _feeds[feed.Value];

    public Position Position(FeedId feed) => new(_feeds[feed.Value].Count);

    public Fact? Last(FeedId feed) => _feeds[feed.Value].Count == 0 ? null : _feeds[feed.Value][^1];

    public Fact? At(FeedId feed, Position position) =>
        position.Value >= 1 && position.Value <= _feeds[feed.Value].Count ? _feeds[feed.Value][(int)position.Value - 1]
            : null;

    public Fact? HeadOf(SyncedKey key) => _keys.TryGetValue(key, out var facts) ? facts[^1] : null;

    public Fact? FactOf(SyncedKey key, Sequence sequence) =>
        _keys.TryGetValue(key, out var facts) && sequence.Value >= 1 && sequence.Value <= facts.Count
            ? facts[(int)sequence.Value - 1] : null;

    /// <summary>Every key that ever had a fact.</summary>
    public IReadOnlyDictionary<SyncedKey, List<Fact>> Keys => _keys;

    public Fact? HeadAsOf(SyncedKey key, Position position)
    {
        if (!_keys.TryGetValue(key, out var facts)) return null;
        for (var index = facts.Count - 1; index >= 0; index--)
            if (facts[index].Position <= position) return facts[index];
        return null;
    }

    public Position LastOf(string vault, string collection) => _collections.GetValueOrDefault(new(vault, collection));

    public bool TryUse(string vault, string key) => _used.Add(new(vault, key));

    public void Add(FeedId feed, Fact fact)
    {
        _feeds[feed.Value].Add(fact);
        if (!_keys.TryGetValue(fact.Key, out var facts)) _keys.Add(fact.Key, facts = []);
        facts.Add(fact);
        _collections[new(fact.Key.Vault, fact.Key.Collection)] = fact.Position;
    }
}

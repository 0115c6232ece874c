using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Simulation.Collections;

/// <summary>What a fact is, and the message of it.</summary>
internal sealed record CommittedFact(Fact Fact, Envelope Envelope, int Key, bool Passes);

/// <summary>The ledger of a collection history: facts by feed and by key, kept for every history that there
/// was.</summary>
internal sealed class CollectionTruth
{
    private readonly CollectionPlan _plan;
    private readonly List<HistoryFacts> _histories = [];
    private long _ids;

    public CollectionTruth(CollectionPlan plan)
    {
        _plan = plan;
        _histories.Add(new(plan));
    }

    public HistoryId History => new(_histories.Count);

    public HistoryFacts Now => _histories[^1];

    /// <summary>Committed facts whose value no gate lets pass: each may cost one refetch.</summary>
    public int BadFacts { get; private set; }

    public HistoryFacts In(HistoryId history) => _histories[(int)history.Value - 1];

    public CommittedFact Commit(int key, ChangeOp op, byte kind, string version)
    {
        var name = _plan.Keys[key];
        var feed = _plan.FeedOf(name.Vault);
        var facts = Now.Feeds[feed];
        var id = ++_ids;
        Span<byte> hash = stackalloc byte[Hash256.Size];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(hash, id);
        var fact = new Fact
        {
            Id = default,
            Key = name,
            Sequence = new(Now.Keys[key].Count + 1),
            Op = op,
            Value = op == ChangeOp.Delete ? SimValue.Nil : SimValue.Of(kind, id),
            ValueHash = new(hash),
            SchemaVersion = new(version),
            TransactionTime = new(id),
            Producer = Producer.Anonymous,
            Feed = new(feed),
            Position = new(facts.Count + 1),
            After = Now.LastOf(name),
            Epoch = new(1),
            Chain = default,
        };
        var committed = new CommittedFact(fact, EnvelopeOf(fact, History), key, SimValue.Passes(fact));
        Now.Add(committed);
        if (!committed.Passes) BadFacts++;
        return committed;
    }

    /// <summary>The ledger comes back as it was: a prefix of each feed, under another history.</summary>
    public void Restore(SimRandom random)
    {
        var before = Now;
        _histories.Add(new(_plan));
        for (var feed = 0; feed < _plan.Feeds; feed++)
        {
            var kept = random.From(0, before.Feeds[feed].Count);
            for (var index = 0; index < kept; index++)
            {
                var old = before.Feeds[feed][index];
                Now.Add(old with { Envelope = EnvelopeOf(old.Fact, History) });
                if (!old.Passes) BadFacts++;
            }
            Now.Floors[feed] = Math.Min(before.Floors[feed], kept + 1);
        }
    }

    private static Envelope EnvelopeOf(Fact fact, HistoryId history) => new()
    {
        Key = fact.Key,
        Value = fact.Value,
        SchemaVersion = fact.SchemaVersion,
        Sequence = fact.Sequence,
        Op = fact.Op,
        Feed = fact.Feed,
        Position = fact.Position,
        History = history,
        Hash = fact.ValueHash,
        After = fact.After,
    };
}

/// <summary>The facts of one history.</summary>
internal sealed class HistoryFacts
{
    private readonly Dictionary<CollectionName, Position> _last = [];

    public HistoryFacts(CollectionPlan plan)
    {
        Feeds = new List<CommittedFact>[plan.Feeds];
        Floors = new long[plan.Feeds];
        for (var feed = 0; feed < plan.Feeds; feed++) (Feeds[feed], Floors[feed]) = ([], 1);
        Keys = new List<CommittedFact>[plan.Keys.Length];
        for (var key = 0; key < Keys.Length; key++) Keys[key] = [];
    }

    public List<CommittedFact>[] Feeds { get; }

    /// <summary>Oldest position kept, of each feed.</summary>
    public long[] Floors { get; }

    public List<CommittedFact>[] Keys { get; }

    public IReadOnlyDictionary<CollectionName, Position> Collections => _last;

    public Position LastOf(SyncedKey key) => _last.GetValueOrDefault(new(key.Vault, key.Collection));

    public void Add(CommittedFact committed)
    {
        Feeds[committed.Fact.Feed.Value].Add(committed);
        Keys[committed.Key].Add(committed);
        _last[new(committed.Fact.Key.Vault, committed.Fact.Key.Collection)] = committed.Fact.Position;
    }

    /// <summary>The key's last fact at or below a position.</summary>
    public CommittedFact? At(int key, long position)
    {
        var facts = Keys[key];
        for (var index = facts.Count - 1; index >= 0; index--)
            if (facts[index].Fact.Position.Value <= position) return facts[index];
        return null;
    }

    public CommittedFact? Head(int key) => Keys[key].Count == 0 ? null : Keys[key][^1];
}

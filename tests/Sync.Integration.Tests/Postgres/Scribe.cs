using Shouldly;
using Sync.Contracts;
using Sync.Ledger;

namespace Sync.Integration.Tests.Postgres;

/// <summary>The least that can number writes: one feed, one lease, heads in a dictionary. Used by one test at a time.</summary>
internal sealed class Scribe(ILedgerStore store, FeedState state)
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    private readonly Dictionary<SyncedKey, HeadState> _heads = [];
    private readonly Dictionary<CollectionName, Position> _collections = [];
    private long _micros = Math.Max(state.LastTime.UnixMicroseconds, 1_700_000_000_000_000);

    internal FeedLease Lease { get; } = state.Lease;

    internal Position Position { get; private set; } = state.Position;

    internal Timestamp LastTime => new(_micros);

    internal static async Task<Scribe> TakeAsync(ILedgerStore store, string vault, string owner = "scribe")
    {
        var feed = await store.FeedOfAsync(vault);
        var state = await store.AcquireAsync(feed, owner, Ttl) ?? throw new InvalidOperationException("the lease is taken");
        return new Scribe(store, state);
    }

    /// <summary>Numbers the writes as one group; nothing is remembered of it until it is committed.</summary>
    internal FactGroup Group(params (SyncedKey Key, ChangeOp Op, byte[] Value, string? Idempotency)[] writes)
    {
        var facts = new List<PendingFact>(writes.Length);
        var heads = new Dictionary<SyncedKey, HeadState>();
        var collections = new Dictionary<CollectionName, Position>();
        foreach (var (key, op, value, idempotency) in writes)
        {
            var name = new CollectionName(key.Vault, key.Collection);
            var before = heads.TryGetValue(key, out var head) ? head : _heads.GetValueOrDefault(key);
            var after = collections.TryGetValue(name, out var last) ? last : _collections.GetValueOrDefault(name);
            var position = new Position(Position.Value + facts.Count + 1);
            var fact = Fact(key, op, value, idempotency, before, after, position);
            facts.Add(new PendingFact(fact, before));
            heads[key] = new HeadState(fact.Sequence, position, fact.Id, op != ChangeOp.Delete, facts[^1].Origin);
            collections[name] = position;
        }
        return new FactGroup
        {
            Lease = Lease,
            Expected = Position,
            Facts = facts,
            Published = Position.Start,
            LeaseTtl = Ttl,
        };
    }

    internal async Task<CommitOutcome> CommitAsync(FactGroup group)
    {
        var outcome = await store.CommitAsync(group);
        if (outcome is CommitOutcome.Committed) Remember(group);
        return outcome;
    }

    internal async Task<FactGroup> WriteAsync(params (SyncedKey Key, ChangeOp Op, byte[] Value, string? Idempotency)[] writes)
    {
        var group = Group(writes);
        (await CommitAsync(group)).ShouldBeOfType<CommitOutcome.Committed>();
        return group;
    }

    internal Task<FactGroup> PutAsync(SyncedKey key, byte value) => WriteAsync((key, ChangeOp.Put, [value], null));

    internal void Remember(FactGroup group)
    {
        foreach (var pending in group.Facts)
        {
            var fact = pending.Fact;
            _heads[fact.Key] = new HeadState(fact.Sequence, fact.Position, fact.Id, fact.Op != ChangeOp.Delete, pending.Origin);
            _collections[new CollectionName(fact.Key.Vault, fact.Key.Collection)] = fact.Position;
            Position = fact.Position;
        }
        _micros++;
    }

    private Fact Fact(
        SyncedKey key, ChangeOp op, byte[] value, string? idempotency, HeadState before, Position after, Position position) => new()
        {
            Id = new FactId(Guid.CreateVersion7()),
            Key = key,
            Sequence = before.Sequence.Next,
            Op = op,
            Value = value,
            ValueHash = Hash256.Of(value),
            SchemaVersion = SchemaVersion.Default,
            Causation = before.Sequence == Sequence.None ? null : before.FactId,
            TransactionTime = new Timestamp(_micros + 1),
            Producer = new Producer("test", "scribe"),
            IdempotencyKey = idempotency,
            Feed = Lease.Feed,
            Position = position,
            After = after,
            Epoch = Lease.Epoch,
            Chain = Hash256.Of(BitConverter.GetBytes(position.Value)),
        };
}

using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;

namespace Sync.Testing.Ledger;

/// <summary>Writes to a store as a sequencer would, one group at a time, with nothing remembered: heads are loaded
/// for each group. For one thread.</summary>
public sealed class StoreDriver
{
    private readonly ILedgerStore _store;
    private readonly IIdSource _ids;

    private StoreDriver(ILedgerStore store, FeedState state, IIdSource ids)
    {
        _store = store;
        _ids = ids;
        State = state;
    }

    /// <summary>Where the feed stands, as far as this driver knows.</summary>
    public FeedState State { get; private set; }

    /// <summary>The lease.</summary>
    public FeedLease Lease => State.Lease;

    /// <summary>Time of the next group; moves on by one second with each commit.</summary>
    public Timestamp Time { get; set; } = Timestamp.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Takes the feed of a vault; it must be free.</summary>
    public static async Task<StoreDriver> AcquireAsync(
        ILedgerStore store, string vault = "acme", string owner = "one", TimeSpan? ttl = null, IIdSource? ids = null)
    {
        var feed = await store.FeedOfAsync(vault);
        var driver = await TryAcquireAsync(store, feed, owner, ttl ?? TimeSpan.FromMinutes(1), ids);
        return driver.ShouldNotBeNull();
    }

    /// <summary>Takes a feed if it is free.</summary>
    public static async Task<StoreDriver?> TryAcquireAsync(
        ILedgerStore store, FeedId feed, string owner, TimeSpan ttl, IIdSource? ids = null)
    {
        var state = await store.AcquireAsync(feed, owner, ttl);
        if (state is null) return null;
        var driver = new StoreDriver(store, state, ids ?? new UuidV7Source());
        if (state.LastTime >= driver.Time) driver.Time = new(state.LastTime.UnixMicroseconds + 1);
        return driver;
    }

    /// <summary>Commits writes in one group, which must work.</summary>
    public async Task<IReadOnlyList<Fact>> WriteAsync(params WriteCommand[] commands)
    {
        var group = await GroupAsync(commands);
        (await TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.Committed>();
        return [.. group.Facts.Select(pending => pending.Fact)];
    }

    /// <summary>Commits a group and remembers where the feed then stands.</summary>
    public async Task<CommitOutcome> TryCommitAsync(FactGroup group)
    {
        var outcome = await _store.CommitAsync(group);
        if (outcome is CommitOutcome.Committed) Assume(group);
        return outcome;
    }

    /// <summary>Goes on as if a group were committed: the next is numbered on top of it.</summary>
    public void Assume(FactGroup group)
    {
        var last = group.Facts[^1].Fact;
        State = State with { Position = last.Position, Chain = last.Chain, LastTime = last.TransactionTime };
        Time = new(Time.UnixMicroseconds + 1_000_000);
    }

    /// <summary>Numbers writes as they would be committed next.</summary>
    public async Task<FactGroup> GroupAsync(params WriteCommand[] commands)
    {
        var keys = commands.Select(command => command.Key).Distinct().ToArray();
        var names = keys.Select(key => new CollectionName(key.Vault, key.Collection)).Distinct().ToArray();
        var loaded = await _store.LoadAsync(Lease.Feed, new LoadRequest(keys, names, []));
        var heads = keys.Zip(loaded.Heads).ToDictionary(pair => pair.First, pair => pair.Second);
        var collections = names.Zip(loaded.Collections)
            .ToDictionary(pair => pair.First, pair => pair.Second.LastPosition);
        var facts = new List<PendingFact>();
        var chain = State.Chain;
        foreach (var command in commands)
        {
            var before = heads[command.Key];
            var name = new CollectionName(command.Key.Vault, command.Key.Collection);
            var position = new Position(State.Position.Value + facts.Count + 1);
            var id = new FactId(_ids.Next(Time));
            chain = FactChain.Next(chain, FactOf(command, id, before, position, collections[name], default));
            var pending = new PendingFact(FactOf(command, id, before, position, collections[name], chain), before);
            heads[command.Key] = new(
                pending.Fact.Sequence, position, id, command.Op != ChangeOp.Delete, pending.Origin);
            collections[name] = position;
            facts.Add(pending);
        }
        return new FactGroup
        {
            Lease = Lease,
            Expected = State.Position,
            Facts = facts,
            Published = State.Published,
            LeaseTtl = TimeSpan.FromMinutes(1),
        };
    }

    private Fact FactOf(
        WriteCommand command, FactId id, HeadState before, Position position, Position after, Hash256 chain)
    {
        return new()
        {
            Id = id,
            Key = command.Key,
            Sequence = before.Sequence.Next,
            Op = command.Op,
            Value = command.Value,
            ValueHash = Hash256.Of(command.Value.Span),
            SchemaVersion = command.SchemaVersion,
            Causation = command.Op == ChangeOp.Append ? command.Causation : before.Sequence == Sequence.None ? null : before.FactId,
            TransactionTime = Time,
            ValidTime = command.ValidTime,
            Producer = command.Producer,
            IdempotencyKey = command.IdempotencyKey,
            Feed = Lease.Feed,
            Position = position,
            After = after,
            Epoch = Lease.Epoch,
            Chain = chain,
        };
    }
}

using Shouldly;
using Sync.Cli.Verify;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>Every kind of tampering is found at the first fact that shows it.</summary>
public sealed class FeedWalkTests
{
    private static readonly FeedId Feed = new(3);

    [Fact]
    public void A_right_feed_is_walked_to_its_end_and_counted()
    {
        var walk = new FeedWalk(Feed);
        foreach (var fact in Facts()) walk.Next(fact).ShouldBeNull();
        (walk.Position, walk.Keys, walk.Live, walk.MaxSequence).ShouldBe((new Position(4), 2, 2, 3));
        walk.Vaults.ShouldBe(["acme"]);
    }

    public static TheoryData<string, string> Tampering => new()
    {
        { "value", "the value is not what its hash says" },
        { "value and hash", "the chain breaks here" },
        { "sequence", "the sequence must be 3, not 4" },
        { "causation", "the causation must be" },
        { "no causation", "the causation must be" },
        { "position", "the position after 3 must be 4" },
        { "feed", "the fact says feed 4" },
        { "after", "the collection's previous position must be 3, not 2" },
        { "time", "the transaction time goes back" },
        { "epoch", "a fenced writer committed" },
        { "id", "the chain breaks here" },
        { "producer", "the chain breaks here" },
        { "schema version", "the chain breaks here" },
        { "idempotency key", "the chain breaks here" },
        { "valid time", "the chain breaks here" },
        { "chain", "the chain breaks here" },
    };

    [Theory]
    [MemberData(nameof(Tampering))]
    public void A_fact_that_was_altered_is_named(string what, string message)
    {
        var facts = Facts();
        facts[3] = Altered(facts[3], what);
        var walk = new FeedWalk(Feed);
        foreach (var fact in facts[..3]) walk.Next(fact).ShouldBeNull();
        var wrong = walk.Next(facts[3]).ShouldNotBeNull();
        wrong.ShouldStartWith($"feed 3, position {facts[3].Position}, acme/user/a: ");
        wrong.ShouldContain(message);
    }

    [Fact]
    public void A_fact_that_was_taken_out_is_missed()
    {
        var facts = Facts();
        var walk = new FeedWalk(Feed);
        walk.Next(facts[0]).ShouldBeNull();
        walk.Next(facts[2]).ShouldNotBeNull().ShouldContain("the position after 1 must be 2");
    }

    [Fact]
    public void An_earlier_fact_rewritten_with_a_chain_of_its_own_breaks_the_next_one()
    {
        var facts = Facts();
        var forged = Altered(facts[1], "value and hash");
        forged = With(forged, chain: FactChain.Next(facts[0].Chain, forged));
        var walk = new FeedWalk(Feed);
        walk.Next(facts[0]).ShouldBeNull();
        walk.Next(forged).ShouldBeNull();
        walk.Next(facts[2]).ShouldNotBeNull().ShouldContain("the chain breaks here: this fact or an earlier one was rewritten");
    }

    // a 1, b 1, a 2 (delete), a 3
    private static Fact[] Facts()
    {
        var (facts, chain) = (new List<Fact>(), default(Hash256));
        foreach (var (key, sequence, op, cause) in new[]
            { ("a", 1, ChangeOp.Put, 0), ("b", 1, ChangeOp.Put, 0), ("a", 2, ChangeOp.Delete, 1), ("a", 3, ChangeOp.Put, 3) })
        {
            byte[] value = op == ChangeOp.Delete ? [0xc0] : [(byte)sequence];
            var position = facts.Count + 1;
            var fact = new Fact
            {
                Id = Id(position),
                Key = new SyncedKey("acme", "user", key),
                Sequence = new Sequence(sequence),
                Op = op,
                Value = value,
                ValueHash = Hash256.Of(value),
                SchemaVersion = SchemaVersion.Default,
                Causation = cause == 0 ? null : Id(cause),
                TransactionTime = Time(position),
                Producer = new Producer("test", "walk"),
                IdempotencyKey = $"i{position}",
                Feed = Feed,
                Position = new Position(position),
                After = new Position(position - 1),
                Epoch = new LeaseEpoch(5),
                Chain = default,
            };
            chain = FactChain.Next(chain, fact);
            facts.Add(With(fact, chain: chain));
        }
        return [.. facts];
    }

    private static FactId Id(int number) => new(new Guid(number, 0, 0, new byte[8]));

    private static Timestamp Time(int second) => Timestamp.From(DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000 + second));

    private static Fact Altered(Fact fact, string what) => what switch
    {
        "value" => With(fact, value: [9]),
        "value and hash" => With(fact, value: [9], hash: Hash256.Of([9])),
        "sequence" => With(fact, sequence: fact.Sequence.Next),
        "causation" => With(fact, causation: Id(2)),
        "no causation" => With(fact, noCausation: true),
        "position" => With(fact, position: fact.Position.Next),
        "feed" => With(fact, feed: new FeedId(4)),
        "after" => With(fact, after: new Position(2)),
        "time" => With(fact, time: Time(0)),
        "epoch" => With(fact, epoch: new LeaseEpoch(4)),
        "id" => With(fact, id: Id(99)),
        "producer" => With(fact, producer: new Producer("test", "other")),
        "schema version" => With(fact, version: new SchemaVersion("2.0")),
        "idempotency key" => With(fact, idempotency: "other"),
        "valid time" => With(fact, valid: Time(0)),
        "chain" => With(fact, chain: Hash256.Of([1])),
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };

    private static Fact With(
        Fact fact, FactId? id = null, Sequence? sequence = null, byte[]? value = null, Hash256? hash = null,
        SchemaVersion? version = null, FactId? causation = null, bool noCausation = false, Timestamp? time = null,
        Timestamp? valid = null, Producer? producer = null, string? idempotency = null, FeedId? feed = null,
        Position? position = null, Position? after = null, LeaseEpoch? epoch = null, Hash256? chain = null) => new()
        {
            Id = id ?? fact.Id,
            Key = fact.Key,
            Sequence = sequence ?? fact.Sequence,
            Op = fact.Op,
            Value = value ?? fact.Value,
            ValueHash = hash ?? fact.ValueHash,
            SchemaVersion = version ?? fact.SchemaVersion,
            Causation = noCausation ? null : causation ?? fact.Causation,
            TransactionTime = time ?? fact.TransactionTime,
            ValidTime = valid ?? fact.ValidTime,
            Producer = producer ?? fact.Producer,
            IdempotencyKey = idempotency ?? fact.IdempotencyKey,
            Feed = feed ?? fact.Feed,
            Position = position ?? fact.Position,
            After = after ?? fact.After,
            Epoch = epoch ?? fact.Epoch,
            Chain = chain ?? fact.Chain,
        };
}

using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CollectionOf;

namespace Sync.Tests.Replication;

/// <summary>Scopes of several collections and feeds, and reading them.</summary>
public sealed class CollectionScopeTests
{
    [Fact]
    public void A_group_loads_every_feed_with_bounded_requests_and_is_loaded_when_all_are()
    {
        var of = new CollectionOf(new CollectionRules { RequestsMax = 2 }, SyncedPattern.OfGroup("g"));
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(PageOf(0, 3));
        of.Effects.Requests.Skip(1).Select(request => request.Snapshot.Feed!.Value.Value).ShouldBe([1, 2]);
        of.Core.Answered(2, PageOf(1, 3), of.At, of.Effects);
        of.Core.Status.ShouldBe(CollectionStatus.Loading);
        of.Core.Answered(3, PageOf(2, 3), of.At, of.Effects);
        of.Core.Status.ShouldBe(CollectionStatus.Ok);
        of.Core.FeedStatuses.Select(feed => feed.Feed!.Value.Value).ShouldBe([0, 1, 2]);
        of.Core.FreshnessOf(new(3)).IsKnown.ShouldBeFalse();
    }

    [Fact]
    public void In_a_scope_of_several_collections_each_has_its_own_chain_and_beats_move_covered()
    {
        var of = new CollectionOf(scope: SyncedPattern.OfVault("acme"));
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, Put("a", 1, 4), Put("a", 1, 5, collection: "order")));
        of.Live(Put("b", 1, 11, after: 4));
        of.Live(Put("b", 1, 12, after: 5, collection: "order"));
        of.Live(Tombstone("a", 2, 13, after: 11));
        (of.Covered, of.Core.TombstoneCount, of.Effects.Requests.Count).ShouldBe((10, 1, 1));
        of.Hear(BeatOf(10, 13, new("acme", "order", new(12)), new("acme", "user", new(13))));
        (of.Covered, of.Core.TombstoneCount, of.Core.IsCurrent).ShouldBe((13, 0, true));
        of.Core.Collections.OrderBy(part => part.Collection, StringComparer.Ordinal)
            .ShouldBe([("acme", "order", 2), ("acme", "user", 1)]);
    }

    [Fact]
    public void An_idle_beat_renews_how_fresh_it_is()
    {
        var of = Loaded(10);
        of.Now = TimeSpan.FromSeconds(5);
        of.Hear(BeatOf(10, 10));
        of.Core.FreshnessOf(Feed).LearnedAt.ShouldBe(of.Now);
        of.Hear(BeatOf(8, 9));
        (of.Covered, of.Effects.Requests.Count).ShouldBe((10, 1));
    }

    [Fact]
    public void A_digest_stands_at_the_last_change_also_when_that_was_a_delete_before_the_load()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, false, [Put("b", 2, 5), Put("a", 1, 4)], collections: [new("acme", "user", new(9))]));
        using var digester = new CollectionDigester();
        digester.Add("a", new(1), Hash256.Of("a1"u8));
        digester.Add("b", new(2), Hash256.Of("b2"u8));
        of.Core.Digest("acme", "user").ShouldBe(digester.Finish(new(9)));
        of.Core.Digest("acme", "none").ShouldBe(digester.Finish(Position.Start));
    }

    [Fact]
    public void A_digest_does_not_stand_at_a_change_that_has_not_arrived()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, true, [Put("a", 1, 4)], collections: [new("acme", "user", new(4))]));
        of.Answer(Page(20, false, [Put("b", 1, 3)], collections: [new("acme", "user", new(15))]));
        of.Core.Digest("acme", "user").Position.ShouldBe(new Position(4));
        of.Live(Tombstone("a", 2, 15, after: 4));
        of.Core.Digest("acme", "user").ShouldSatisfyAllConditions(
            digest => digest.Position.ShouldBe(new Position(15)), digest => digest.Count.ShouldBe(1));
    }

    [Fact]
    public void A_record_tells_what_its_envelope_told()
    {
        var of = Loaded(10);
        var id = new FactId(Guid.Parse("018f3c1e-7a10-7c55-9a00-000000000001"));
        of.Live(new Envelope
        {
            Key = new("acme", "user", "a"),
            Value = "v"u8.ToArray(),
            SchemaVersion = new("1.7"),
            Sequence = new(1),
            Feed = Feed,
            Position = new(11),
            History = new(History),
            Id = id,
            Time = new(5),
            Producer = "service:x",
        });
        of.Core.TryGet(new("acme", "user", "a"), out var record).ShouldBeTrue();
        record.ShouldBe(new(new("acme", "user", "a"), "v", new(1), new(Feed, new(History), new(11)), new("1.7"),
            Hash256.Of("v"u8), id, new(5), "service:x", false));
    }

    [Fact]
    public void Lists_are_in_the_order_of_utf8_bytes_whatever_comes_and_goes_between_them()
    {
        var of = Loaded(10);
        var expected = new Dictionary<string, long>(StringComparer.Ordinal);
        var random = new Random(1);
        string[] heads = ["", "a", "\uE000", "\U0001F600", "é"];
        var after = 10L;
        for (var step = 0; step < 4000; step++)
        {
            var key = $"{heads[random.Next(heads.Length)]}{random.Next(random.Next(2) == 0 ? 40 : 4000)}";
            var sequence = expected.GetValueOrDefault(key) + 1;
            var isDelete = expected.ContainsKey(key) && random.Next(3) > 0;
            var (number, position) = (1_000_000 + step, after + 1);
            of.Live(isDelete ? Tombstone(key, number, position, after) : Put(key, number, position, after));
            after = position;
            if (isDelete) expected.Remove(key);
            else expected[key] = sequence;
            if (step % 100 == 0 || step > 3990) ListAll(of).ShouldBe(expected.Keys.Order(Utf8Order.Instance));
        }
        of.Core.Count.ShouldBe(expected.Count);
    }

    private static List<string> ListAll(CollectionOf of)
    {
        var all = new List<string>();
        for (var more = true; more;)
        {
            var page = new List<CollectionRecord<string>>();
            more = of.Core.List("acme", "user", all.Count == 0 ? null : all[^1], 700, page);
            all.AddRange(page.Select(record => record.Key.Key));
        }
        return all;
    }

    private static SnapshotPage PageOf(int feed, int feeds) => new()
    {
        Feeds = feeds,
        Feed = new(feed),
        History = new(History),
        Floor = new(1),
        Position = new(10),
        Envelopes = [],
        Collections = [],
        More = false,
    };
}

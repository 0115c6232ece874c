using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CollectionOf;

namespace Sync.Tests.Replication;

/// <summary>The four rules of a collection replica, and its gates.</summary>
public sealed class CollectionRulesTests
{
    [Fact]
    public void What_is_at_or_below_covered_is_dropped_also_in_late_changes()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("b", 1, 11, after: 4));
        of.Live(Put("x", 1, 14, after: 13));
        var late = of.Request.Id;
        of.Live(Put("y", 1, 13, after: 12));
        of.Core.Failed(late, of.At, of.Effects);
        of.Wait(1000);
        of.Answer(Changes(14, [Tombstone("b", 2, 12), Put("y", 1, 13), Put("x", 1, 14)]));
        of.Core.TombstoneCount.ShouldBe(0);
        of.Live(Put("b", 1, 11, after: 4));
        of.Core.Answered(late, Changes(12, [Put("b", 1, 11)]), of.At, of.Effects);
        of.ValueOf("b").ShouldBeNull();
        of.Core.IsCurrent.ShouldBeTrue();
    }

    [Fact]
    public void What_is_at_or_below_the_page_of_its_range_is_dropped_until_covered_passes_it()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, true, [Put("a", 1, 4)]));
        of.Answer(Page(20, Put("d", 1, 8)));
        of.Covered.ShouldBe(10);
        of.Live(Put("c", 1, 15, after: 12));
        of.ValueOf("c").ShouldBeNull("the second page shows that it is absent at 20");
        of.Live(Put("a", 2, 16, after: 15));
        of.ValueOf("a").ShouldBe("a2", "the first page only says how it was at 10");
        of.Answer(Changes(20, [Put("b", 1, 11), Put("c", 1, 15), Tombstone("c", 2, 17)]));
        (of.Covered, of.ValueOf("b"), of.ValueOf("c")).ShouldBe((20, null, null));
    }

    [Fact]
    public void A_tombstone_is_kept_until_covered_passes_it()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Tombstone("a", 2, 14, after: 13));
        (of.ValueOf("a"), of.Core.TombstoneCount).ShouldBe((null, 1));
        of.Live(Put("a", 1, 11, after: 10));
        of.ValueOf("a").ShouldBeNull();
        of.Answer(Changes(14, []));
        (of.Core.TombstoneCount, of.Covered).ShouldBe((0, 14));
        of.Live(Put("a", 3, 15, after: 14));
        of.ValueOf("a").ShouldBe("a3");
    }

    [Fact]
    public void A_snapshot_that_is_loaded_again_removes_what_is_absent_from_it_and_keeps_what_came_since()
    {
        var of = Loaded(10, Put("a", 1, 4), Put("b", 1, 5), Put("c", 1, 6));
        of.Effects.Clear();
        of.Core.Reload(of.At, of.Effects);
        of.Core.Status.ShouldBe(CollectionStatus.Refetching);
        of.Live(Put("d", 1, 21, after: 20));
        of.Answer(Page(20, Put("b", 2, 12)));
        (of.ValueOf("a"), of.ValueOf("b"), of.ValueOf("c"), of.ValueOf("d")).ShouldBe((null, "b2", null, "d1"));
        of.Effects.Changes.Count(change => change is { Kind: CollectionChangeKind.Removed, Sequence.Value: -1 })
            .ShouldBe(2);
        (of.Covered, of.Core.Count, of.Core.Status).ShouldBe((21, 2, CollectionStatus.Ok));
    }

    [Fact]
    public void While_it_is_loaded_again_it_is_no_fresher_than_before()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Core.Reload(of.At, of.Effects);
        of.Answer(Page(20, true, [Put("a", 2, 12)]));
        of.Core.FreshnessOf(Feed)
            .ShouldBe(new FeedFreshness(true, new(Feed, new(History), new(10)), TimeSpan.Zero, false));
        of.Answer(Page(22));
        of.Covered.ShouldBe(20);
    }

    [Fact]
    public void A_refused_value_leaves_the_old_one_and_is_refetched_once()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("a", 2, 11, after: 4, value: "!bad"));
        (of.ValueOf("a"), of.Core.Status, of.Core.RefusedCount, of.Core.IsCurrent)
            .ShouldBe(("a1", CollectionStatus.Skew, 1, false));
        of.Covered.ShouldBe(11);
        of.Core.Refused().ShouldHaveSingleItem()
            .ShouldBe(new(new("acme", "user", "a"), new(2), new(11), "begins with !"));
        of.Request.Items.ShouldBe([new RefetchItem("user", "a", new(1))]);
        of.Core.Answered(of.Request.Id, Got(Put("a", 2, 11, value: "!bad")), of.At, of.Effects);
        of.Live(Put("a", 2, 11, after: 4, value: "!bad"));
        of.Wait(10_000);
        of.Effects.Requests.Count.ShouldBe(2);
        of.Live(Put("a", 3, 12, after: 11));
        (of.ValueOf("a"), of.Core.Status, of.Core.RefusedCount).ShouldBe(("a3", CollectionStatus.Ok, 0));
        of.Core.Counters.Refetches.ShouldBe(1);
    }

    [Fact]
    public void A_refetched_value_of_the_refused_sequence_is_taken_though_covered_has_passed_it()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("a", 2, 11, after: 4, value: "!bad"));
        of.Core.Answered(of.Request.Id, Got(Put("a", 2, 11, value: "good")), of.At, of.Effects);
        (of.ValueOf("a"), of.Core.RefusedCount, of.Core.Status).ShouldBe(("good", 0, CollectionStatus.Ok));
    }

    [Fact]
    public void A_major_that_the_writer_itself_answered_is_not_asked_for_again()
    {
        var of = Loaded(10, Put("a", 1, 4), Put("b", 1, 5, version: "2.0"));
        (of.Core.Count, of.Core.RefusedCount, of.Core.Counters.SchemaSkews).ShouldBe((1, 1, 1));
        of.Live(Put("a", 2, 11, after: 5, version: "2.1"));
        of.Live(Put("c", 1, 12, after: 11, version: null));
        of.Effects.Requests.Count.ShouldBe(1);
        (of.ValueOf("a"), of.ValueOf("c"), of.Core.RefusedCount).ShouldBe(("a1", "c1", 2));
    }

    [Fact]
    public void A_delete_ends_a_refusal_and_a_snapshot_without_the_key_does_too()
    {
        var of = Loaded(10, Put("a", 1, 4, value: "!"), Put("b", 1, 5, value: "!"));
        of.Core.RefusedCount.ShouldBe(2);
        of.Live(Tombstone("a", 2, 11, after: 5));
        of.Core.RefusedCount.ShouldBe(1);
        of.Core.Reload(of.At, of.Effects);
        of.Answer(Page(12));
        (of.Core.RefusedCount, of.Core.Status, of.Core.Count).ShouldBe((0, CollectionStatus.Ok, 0));
    }

    [Fact]
    public void The_skew_list_is_bounded_and_its_count_is_exact()
    {
        var of = new CollectionOf(new CollectionRules { Expected = new("1.0"), SkewsListedMax = 1 });
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, Put("a", 1, 4, value: "!"), Put("b", 1, 5, value: "!"), Put("c", 1, 6, value: "!")));
        (of.Core.RefusedCount, of.Core.Refused().Count()).ShouldBe((3, 1));
        of.Live(Tombstone("a", 2, 11, after: 6));
        (of.Core.RefusedCount, of.Core.Refused().Count()).ShouldBe((2, 0));
    }

    [Fact]
    public void What_is_none_of_the_scope_is_counted_and_dropped()
    {
        var of = Loaded(10);
        of.Live(Put("a", 1, 11, vault: "other"));
        of.Live(Put("a", 1, 11, collection: "other"));
        of.Live(new Envelope { Key = default, Value = default, Sequence = new(1), Position = new(11), Feed = Feed });
        of.Live(new Envelope
        {
            Key = new("acme", "user", "a"),
            Value = default,
            Sequence = new(1),
            Position = new(11),
            Feed = new(4),
        });
        of.Live(Put("a", 0, 11));
        of.Live(Put("a", 1, 0));
        of.Live(Put("line\nbreak", 1, 11, after: 10));
        of.Core.Counters.WrongKey.ShouldBe(7);
        (of.Core.Count, of.Effects.Changes.Count).ShouldBe((0, 0));
    }

    [Fact]
    public void A_schema_that_throws_is_a_parse_error()
    {
        var core = new CollectionCore<string>(SyncedPattern.OfCollection("acme", "user"),
            new Sync.Testing.Replication.TextSchema { Throws = true }, new CollectionRules());
        var effects = new CollectionEffects<string>();
        core.Subscribed(default, effects);
        core.Answered(effects.Requests[0].Id, Page(10, Put("a", 1, 4, value: "!")), default, effects);
        core.Counters.ParseErrors.ShouldBe(1);
        core.Refused().Single().Reason.ShouldContain("FormatException");
    }

    private static EnvelopeAnswer Got(Envelope envelope) => new()
    {
        Feed = Feed,
        History = new(History),
        Floor = new(1),
        Position = envelope.Position,
        Envelopes = [envelope],
        Answered = 1,
    };
}

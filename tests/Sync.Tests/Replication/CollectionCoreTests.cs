using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CollectionOf;

namespace Sync.Tests.Replication;

/// <summary>The way of a collection replica from its subscription to being current.</summary>
public sealed class CollectionCoreTests
{
    [Fact]
    public void It_asks_for_nothing_before_its_subscription_is_confirmed_and_then_for_the_first_page()
    {
        var of = new CollectionOf();
        of.Core.Advance(of.At, of.Effects);
        of.Effects.Requests.ShouldBeEmpty();
        of.Core.Subscribed(of.At, of.Effects);
        of.Request.Snapshot.ShouldBe(new(null, null, SnapshotRequest.LimitMax));
        of.Core.Status.ShouldBe(CollectionStatus.Loading);
    }

    [Fact]
    public void It_loads_page_by_page_and_is_then_current_as_of_the_first_page()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, true, [Put("a", 1, 4), Put("b", 2, 7)]));
        of.Request.Snapshot.ShouldBe(new(Feed, new SyncedKey("acme", "user", "b"), 2));
        of.Core.Status.ShouldBe(CollectionStatus.Loading);
        of.Answer(Page(12, Put("c", 1, 9)));
        of.Core.Status.ShouldBe(CollectionStatus.Ok);
        of.Covered.ShouldBe(10);
        of.Core.Count.ShouldBe(3);
        of.ValueOf("c").ShouldBe("c1");
        of.Effects.Changes.Count.ShouldBe(3);
    }

    [Fact]
    public void What_came_before_the_first_page_is_applied_behind_it()
    {
        var of = new CollectionOf();
        of.Live(Put("a", 2, 11, after: 4));
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, Put("a", 1, 4)));
        of.ValueOf("a").ShouldBe("a2");
        of.Covered.ShouldBe(11);
    }

    [Fact]
    public void Unbroken_envelopes_move_covered_and_duplicates_have_no_effect()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("b", 1, 11, after: 4));
        of.Live(Put("a", 2, 15, after: 11));
        of.Live(Put("b", 1, 11, after: 4));
        of.Covered.ShouldBe(15);
        of.Core.Counters.IgnoredStale.ShouldBe(1);
        of.Effects.Requests.Count.ShouldBe(1);
        of.Core.IsCurrent.ShouldBeTrue();
    }

    [Fact]
    public void A_gap_is_closed_by_the_changes_from_covered_on()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("c", 1, 13, after: 12));
        of.ValueOf("c").ShouldBe("c1");
        (of.Core.Status, of.Covered, of.Core.IsCurrent).ShouldBe((CollectionStatus.Refetching, 10, false));
        of.Request.Changes.ShouldBe(new(Feed, new(10), 1000));
        of.Live(Put("d", 1, 14, after: 13));
        of.Answer(Changes(13, [Put("b", 1, 12), Put("c", 1, 13)]));
        (of.Core.Status, of.Covered, of.Core.IsCurrent).ShouldBe((CollectionStatus.Ok, 14, true));
        of.Core.Count.ShouldBe(4);
        of.Core.Counters.Gaps.ShouldBe(1);
    }

    [Fact]
    public void A_beat_that_names_nothing_unseen_moves_covered_and_another_starts_a_recovery_after_the_grace()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Hear(BeatOf(9, 20, new BeatCollection("acme", "other", new(19))));
        of.Covered.ShouldBe(20);
        of.Hear(BeatOf(20, 25, new BeatCollection("acme", "user", new(24))));
        (of.Covered, of.Core.IsCurrent).ShouldBe((20, false));
        of.Wait(249);
        of.Effects.Requests.Count.ShouldBe(1);
        of.Wait(1);
        of.Request.Changes.After.ShouldBe(new Position(20));
        of.Core.Counters.TailGaps.ShouldBe(1);
        of.Answer(Changes(25, [Put("b", 1, 24)]));
        (of.Covered, of.Core.IsCurrent).ShouldBe((25, true));
    }

    [Fact]
    public void A_beat_that_came_before_a_first_page_below_it_is_checked_and_one_at_or_below_it_is_not()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Hear(BeatOf(10, 12));
        of.Answer(Page(12));
        (of.Core.IsCurrent, of.Effects.Requests.Count).ShouldBe((true, 1));

        var early = new CollectionOf();
        early.Core.Subscribed(early.At, early.Effects);
        early.Hear(BeatOf(10, 12));
        early.Answer(Page(11));
        early.Core.IsCurrent.ShouldBeFalse();
        early.Answer(Changes(12, [Put("a", 1, 12)]));
        (early.Core.IsCurrent, early.Covered).ShouldBe((true, 12));
    }

    [Fact]
    public void Missed_beats_are_checked_at_once()
    {
        var of = Loaded(10);
        of.Hear(BeatOf(12, 20));
        of.Request.Changes.After.ShouldBe(new Position(10));
        of.Answer(Changes(15, []));
        of.Covered.ShouldBe(20);
    }

    [Fact]
    public void A_page_that_is_shown_first_lets_the_next_one_be_asked_for_and_changes_nothing_else()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        var (first, page) = (of.Request.Id, Page(10, true, [Put("a", 1, 4)]));
        of.Core.ReadAhead(first, page, of.Effects);
        of.Core.ReadAhead(first, page, of.Effects);
        of.Effects.Requests.Count.ShouldBe(2);
        of.Request.Snapshot.ShouldBe(new(Feed, new SyncedKey("acme", "user", "a"), SnapshotRequest.LimitMax));
        (of.Core.Count, of.Effects.Changes.Count, of.Core.History.Value).ShouldBe((0, 0, 0));
        of.Core.Answered(first, page, of.At, of.Effects);
        of.Effects.Requests.Count.ShouldBe(2);
        of.Answer(Page(12, Put("b", 1, 7)));
        (of.Core.Status, of.Core.Count, of.Covered).ShouldBe((CollectionStatus.Ok, 2, 10));
    }

    [Fact]
    public void A_page_that_comes_before_the_one_in_front_of_it_waits()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        var (first, page) = (of.Request.Id, Page(10, true, [Put("a", 1, 4)]));
        of.Core.ReadAhead(first, page, of.Effects);
        of.Answer(Page(12, Put("b", 1, 7)));
        of.Core.Count.ShouldBe(0);
        of.Core.Answered(first, page, of.At, of.Effects);
        (of.Core.Status, of.Core.Count, of.Covered, of.Effects.Requests.Count).ShouldBe((CollectionStatus.Ok, 2, 10, 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_read_ahead_of_a_page_that_is_not_taken_is_dropped(bool isAnswered)
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        var first = of.Request.Id;
        of.Core.ReadAhead(first, Page(10, true, [Put("a", 1, 4)]), of.Effects);
        var ahead = of.Request.Id;
        if (isAnswered) of.Answer(Page(12, Put("b", 1, 7)));
        of.Core.Failed(first, of.At, of.Effects);
        of.Wait(60_000);
        of.Request.Snapshot.After.ShouldBeNull();
        of.Answer(Page(14, Put("c", 1, 9)));
        of.Core.Answered(ahead, Page(12, Put("b", 1, 7)), of.At, of.Effects);
        (of.Core.Status, of.Core.Count, of.Effects.Requests.Count).ShouldBe((CollectionStatus.Ok, 1, 3));
    }
}

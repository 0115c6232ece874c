using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CollectionOf;

namespace Sync.Tests.Replication;

/// <summary>What a collection replica does when something failed, was missed, or is another's.</summary>
public sealed class CollectionRecoveryTests
{
    [Fact]
    public void A_failed_request_is_sent_again_after_a_growing_wait_and_after_several_it_is_stale()
    {
        var of = Loaded(10);
        of.Live(Put("a", 1, 12, after: 11));
        foreach (var wait in (int[])[75, 150, 300])
        {
            var sent = of.Effects.Requests.Count;
            of.Core.Failed(of.Request.Id, of.At, of.Effects);
            of.Core.NextDue.ShouldBe(of.Now + TimeSpan.FromMilliseconds(wait));
            of.Wait(wait - 1);
            of.Effects.Requests.Count.ShouldBe(sent);
            of.Wait(1);
            of.Effects.Requests.Count.ShouldBe(sent + 1);
        }
        of.Core.Status.ShouldBe(CollectionStatus.Stale);
        of.Answer(Changes(12, [Put("b", 1, 11), Put("a", 1, 12)]));
        (of.Core.Status, of.Core.Counters.Failures).ShouldBe((CollectionStatus.Ok, 3));
    }

    [Fact]
    public void Changes_that_are_no_longer_kept_are_made_up_for_by_the_snapshot()
    {
        var of = Loaded(10, Put("a", 1, 4), Put("b", 1, 5));
        of.Live(Put("c", 1, 30, after: 29));
        of.Answer(Changes(30, [], floor: 12));
        of.Request.Kind.ShouldBe(CollectionRequestKind.Snapshot);
        of.Answer(Page(30, Put("b", 2, 11), Put("c", 1, 30)));
        (of.ValueOf("a"), of.ValueOf("b"), of.ValueOf("c"), of.Covered).ShouldBe((null, "b2", "c1", 30));
        of.Core.IsCurrent.ShouldBeTrue();
    }

    [Fact]
    public void Cut_changes_are_asked_for_to_their_end()
    {
        var of = Loaded(10);
        of.Live(Put("c", 1, 30, after: 29));
        of.Answer(Changes(20, [Put("a", 1, 20)], position: 31));
        of.Request.Changes.After.ShouldBe(new Position(20));
        of.Core.IsCurrent.ShouldBeFalse();
        of.Answer(Changes(31, [Put("b", 1, 29), Put("c", 1, 30), Put("a", 2, 31)]));
        (of.Covered, of.Core.IsCurrent).ShouldBe((31, true));
    }

    [Fact]
    public void A_disruption_is_checked_within_its_spread()
    {
        var of = Loaded(10);
        of.Core.Disrupted(of.At, of.Effects);
        (of.Core.Status, of.Core.NextDue).ShouldBe((CollectionStatus.Refetching, TimeSpan.FromMilliseconds(250)));
        of.Wait(250);
        of.Answer(Changes(10, []));
        (of.Core.IsCurrent, of.Core.FreshnessOf(Feed).LearnedAt).ShouldBe((true, of.Now));
    }

    [Fact]
    public void A_check_that_is_asked_for_while_changes_are_read_gets_its_own_answer()
    {
        var of = Loaded(10);
        of.Live(Put("a", 1, 12, after: 11));
        of.Core.Check(of.At, of.Effects);
        of.Answer(Changes(12, [Put("b", 1, 11), Put("a", 1, 12)]));
        of.Core.IsCurrent.ShouldBeFalse("that was read before");
        of.Answer(Changes(13, [Put("c", 1, 13)]));
        (of.Covered, of.Core.IsCurrent, of.Effects.Requests.Count).ShouldBe((13, true, 3));
    }

    [Fact]
    public void What_does_not_fit_into_the_buffer_is_asked_for_as_changes()
    {
        var of = new CollectionOf(new CollectionRules { BufferMax = 1 });
        of.Core.Subscribed(of.At, of.Effects);
        of.Live(Put("a", 1, 11));
        of.Live(Put("b", 1, 12, after: 11));
        of.Answer(Page(10));
        (of.ValueOf("a"), of.ValueOf("b"), of.Core.Counters.BufferDrops).ShouldBe(("a1", null, 1));
        of.Request.Changes.After.ShouldBe(new Position(11));
        of.Answer(Changes(12, [Put("b", 1, 12)]));
        (of.ValueOf("b"), of.Core.IsCurrent).ShouldBe(("b1", true));
    }

    [Fact]
    public void A_page_that_stands_below_what_is_known_or_makes_no_headway_is_asked_for_again()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Core.Reload(of.At, of.Effects);
        of.Answer(Page(9, Put("a", 1, 4)));
        of.Wait(1000);
        of.Answer(Page(12, true, [Put("a", 1, 4)]));
        of.Answer(Page(12, true, [Put("a", 1, 4)]));
        of.Wait(1000);
        of.Answer(Page(12, true, []));
        of.Wait(1000);
        of.Core.Counters.Failures.ShouldBe(3);
        of.Answer(Page(12, Put("b", 1, 12)));
        (of.Core.Status, of.Core.Count).ShouldBe((CollectionStatus.Ok, 2));
    }

    [Fact]
    public void Another_history_resets_and_old_records_are_shown_as_stale_until_the_new_one_says_what_became_of_them()
    {
        var of = Loaded(10, Put("a", 7, 4), Put("b", 3, 5));
        of.Live(Put("a", 2, 9, after: 8, history: 78));
        of.ValueOf("a").ShouldBe("a7", "only the writer knows which history lives");
        of.Answer(Changes(9, [], history: 78));
        (of.Core.Status, of.ValueOf("a"), of.Core.History.Value).ShouldBe((CollectionStatus.Stale, "a7", 78));
        of.Effects.Changes[^1].Kind.ShouldBe(CollectionChangeKind.Reset);
        of.Core.TryGet(new("acme", "user", "a"), out var old).ShouldBeTrue();
        (old.IsOld, old.At.History.Value, old.Sequence.Value).ShouldBe((true, 0, 7));
        of.Answer(Page(9, false, [Put("a", 2, 9, history: 78)], history: 78));
        (of.Core.Status, of.ValueOf("a"), of.ValueOf("b"), of.Covered).ShouldBe((CollectionStatus.Ok, "a2", null, 9));
    }

    [Fact]
    public void After_a_reset_nothing_is_due_of_a_refetch_that_had_failed()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("a", 2, 11, after: 4, version: "2.0"));
        of.Request.Kind.ShouldBe(CollectionRequestKind.GetMany);
        of.Core.Failed(of.Request.Id, of.At, of.Effects);
        of.Core.NextDue.ShouldNotBeNull("the refetch is tried again");
        of.Live(Put("b", 1, 9, after: 8, history: 78));
        of.Answer(Changes(9, [], history: 78));
        of.Answer(Page(9, false, [Put("b", 1, 9, history: 78)], history: 78));
        of.Wait(10_000);
        (of.Core.Status, of.Core.NextDue).ShouldBe((CollectionStatus.Ok, null));
    }

    [Fact]
    public void A_straggler_of_an_old_history_costs_one_look_at_the_changes()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Live(Put("a", 9, 99, after: 98, history: 5));
        of.Live(Put("a", 10, 100, after: 99, history: 5));
        of.Answer(Changes(10, []));
        of.Answer(Changes(10, []));
        (of.Core.Status, of.ValueOf("a"), of.Core.Counters.Resets).ShouldBe((CollectionStatus.Ok, "a1", 0));
    }

    [Fact]
    public void Answers_that_nobody_waits_for_have_no_effect()
    {
        var of = Loaded(10, Put("a", 1, 4));
        var first = of.Effects.Requests[0].Id;
        of.Core.Answered(first, Page(10), of.At, of.Effects);
        of.Core.Reload(of.At, of.Effects);
        var abandoned = of.Request.Id;
        of.Core.Reload(of.At, of.Effects);
        of.Core.Answered(abandoned, Page(10), of.At, of.Effects);
        of.Core.Failed(4711, of.At, of.Effects);
        of.ValueOf("a").ShouldBe("a1");
        of.Answer(Page(10, Put("a", 1, 4)));
        (of.Core.Status, of.Core.Counters.Snapshots).ShouldBe((CollectionStatus.Ok, 2));
    }

    [Fact]
    public void More_records_than_allowed_are_never_held_silently()
    {
        var of = new CollectionOf(new CollectionRules { RecordsMax = 2 });
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, Put("a", 1, 4), Put("b", 1, 5), Put("c", 1, 6)));
        (of.Core.Status, of.Core.Count, of.Core.IsCurrent).ShouldBe((CollectionStatus.Full, 2, false));
        of.Core.FreshnessOf(Feed).IsKnown.ShouldBeFalse();
        of.Live(Put("a", 2, 11, after: 6));
        (of.ValueOf("a"), of.Core.NextDue, of.Effects.Requests.Count).ShouldBe(("a1", null, 1));
    }

    [Fact]
    public void After_dispose_nothing_has_an_effect()
    {
        var of = Loaded(10, Put("a", 1, 4));
        of.Core.Reload(of.At, of.Effects);
        of.Core.Dispose();
        of.Effects.Clear();
        of.Core.Answered(2, Page(12), of.At, of.Effects);
        of.Live(Put("a", 2, 11, after: 4));
        of.Wait(10_000);
        (of.ValueOf("a"), of.Effects.Changes.Count, of.Effects.Requests.Count).ShouldBe(("a1", 0, 0));
    }

    [Theory]
    [InlineData(0, "Sync:Collection:RecordsMax is 0; must be 1..100000000 records")]
    public void Rules_outside_their_range_are_refused_by_name(int recordsMax, string message) =>
        Should.Throw<SyncException>(() => new CollectionOf(new CollectionRules { RecordsMax = recordsMax }))
            .Message.ShouldBe(message);
}

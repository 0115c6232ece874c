using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

/// <summary>A group begun while another is in flight.</summary>
public sealed class SequencerAheadTests
{
    private readonly SequencerRig _rig = new(new LedgerOptions { Owner = "one", GroupAheadWritesMin = 2 });

    [Fact]
    public void A_group_is_begun_on_top_of_one_in_flight_when_enough_writes_wait()
    {
        var first = Form("a");
        _rig.Submit(Put(User("b")));
        _rig.Load();
        _rig.Group().ShouldBeNull();
        _rig.Submit(Put(User("a"), "2"));
        var second = _rig.Group().ShouldNotBeNull();
        second.Expected.ShouldBe(first.Facts[^1].Fact.Position);
        second.Facts[1].Fact.Sequence.ShouldBe(new Sequence(2));
        _rig.Submit(Put(User("c")));
        _rig.Submit(Put(User("d")));
        _rig.Load();
        _rig.Group().ShouldBeNull();
        _rig.Commit().ShouldBeOfType<CommitOutcome.Committed>();
        _rig.Group().ShouldNotBeNull();
        _rig.Settle();
        _rig.Committed.Count.ShouldBe(5);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Few_writes_wait_for_the_group_in_flight()
    {
        var rig = new SequencerRig();
        rig.Submit(Put(User("a")));
        rig.Load();
        rig.Group().ShouldNotBeNull();
        for (var more = 1; more < rig.Options.GroupAheadWritesMin; more++) rig.Submit(Put(User("b")));
        rig.Load();
        rig.Group().ShouldBeNull();
        rig.Submit(Put(User("b")));
        rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(rig.Options.GroupAheadWritesMin);
    }

    [Fact]
    public void A_later_group_is_answered_behind_the_one_before_it()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.InStore(first);
        _rig.Report(_rig.InStore(second), second);
        _rig.Committed.ShouldBeEmpty();
        _rig.Report(new CommitOutcome.Committed(), first);
        _rig.Committed.Select(fact => fact.Position.Value).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void A_group_that_came_too_early_goes_again()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.Report(_rig.InStore(second), second).ShouldBeOfType<CommitOutcome.TooEarly>();
        _rig.Group().ShouldBeNull();
        _rig.Report(_rig.InStore(first), first);
        _rig.Group().ShouldNotBeNull().Facts.Select(pending => pending.Fact.Key.Key).ShouldBe(["b", "a"]);
        _rig.Settle();
        _rig.Committed.Count.ShouldBe(3);
    }

    [Fact]
    public void When_a_group_fails_nothing_is_formed_until_the_one_on_top_of_it_is_back_and_then_both_go_again_in_order()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.Report(new CommitOutcome.Failed("disk full"), first);
        _rig.Submit(Put(User("c")));
        _rig.Submit(Put(User("d")));
        _rig.Load();
        _rig.Group().ShouldBeNull();
        _rig.Report(_rig.InStore(second), second).ShouldBeOfType<CommitOutcome.TooEarly>();
        var again = _rig.Group().ShouldNotBeNull();
        again.Facts.Select(pending => pending.Fact.Key.Key).ShouldBe(["a", "b", "a", "c", "d"]);
        again.Facts[2].Fact.Sequence.ShouldBe(new Sequence(2));
        again.Expected.ShouldBe(Position.Start);
        _rig.Settle();
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_lost_answer_is_known_when_the_group_on_top_of_it_is_written()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.InStore(first);
        _rig.Report(new CommitOutcome.Unknown("connection lost"), first);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Owning);
        _rig.Report(_rig.InStore(second), second);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Owning);
        _rig.Committed.Count.ShouldBe(3);
    }

    [Fact]
    public void Of_two_lost_answers_each_group_is_what_is_found()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.InStore(first);
        _rig.Report(new CommitOutcome.Unknown("connection lost"), second);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Owning);
        _rig.Report(new CommitOutcome.Unknown("connection lost"), first);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Resolving);
        _rig.Resolve();
        _rig.Committed.Count.ShouldBe(1);
        _rig.InStore(second).ShouldBeOfType<CommitOutcome.Fenced>();
        _rig.Settle();
        _rig.Committed.Count.ShouldBe(3);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_group_that_failed_under_one_whose_answer_was_lost_is_resolved_too()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.Report(new CommitOutcome.Failed("disk full"), first);
        // It is on its way still: nothing may be formed that ends where it begins.
        _rig.Report(new CommitOutcome.Unknown("connection lost"), second);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Resolving);
        _rig.Resolve();
        _rig.InStore(second).ShouldBeOfType<CommitOutcome.Fenced>();
        _rig.Settle();
        _rig.Committed.Count.ShouldBe(3);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void What_the_groups_in_flight_would_refuse_waits_for_them()
    {
        var key = User("a");
        var first = Form("a");
        var conditional = _rig.Submit(Put(key, "mine", expected: 0));
        _rig.Submit(Put(User("b")));
        _rig.Load();
        var second = _rig.Group().ShouldNotBeNull();
        _rig.IsAnswered(conditional).ShouldBeFalse();
        _rig.Report(new CommitOutcome.Failed("disk full"), first);
        _rig.Report(_rig.InStore(second), second);
        _rig.Settle();
        // The first put of the key was there before, and is again.
        _rig.Refusal(conditional).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
    }

    [Fact]
    public void A_repeat_of_a_write_in_flight_waits_and_gets_its_receipt()
    {
        var once = _rig.Submit(Put(User("a"), "1", "order-1"));
        _rig.Load();
        var first = _rig.Group().ShouldNotBeNull();
        var again = _rig.Submit(Put(User("a"), "1", "order-1"));
        _rig.Submit(Put(User("b")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        _rig.Report(_rig.InStore(first), first);
        _rig.Settle();
        _rig.Receipt(again).ShouldBe(_rig.Receipt(once));
    }

    [Fact]
    public void A_fenced_group_takes_those_on_top_of_it_along()
    {
        var (first, second) = (Form("a"), Form("b", "a"));
        _rig.Report(new CommitOutcome.Unknown("connection lost"), second);
        _rig.Take("one");
        _rig.Report(_rig.InStore(first), first).ShouldBeOfType<CommitOutcome.Fenced>();
        _rig.Core.Phase.ShouldBe(SequencerPhase.Lost);
        _rig.Core.InFlight.ShouldBeEmpty();
        _rig.Core.Queued.ShouldBe(0);
    }

    [Fact]
    public void A_group_that_the_store_has_no_place_for_is_another_owners_feed_when_nothing_is_below_it()
    {
        var first = Form("a");
        _rig.Report(new CommitOutcome.TooEarly(), first);
        _rig.Core.Phase.ShouldBe(SequencerPhase.Lost);
    }

    [Fact]
    public void Nothing_is_built_on_a_group_that_is_being_split()
    {
        var first = Form("a", "b", "c", "d");
        _rig.Report(new CommitOutcome.DataError("bad"), first);
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(2);
        _rig.Group().ShouldBeNull();
        _rig.Settle();
        _rig.Committed.Count.ShouldBe(4);
    }

    private FactGroup Form(params string[] keys)
    {
        foreach (var key in keys) _rig.Submit(Put(User(key)));
        _rig.Load();
        return _rig.Group().ShouldNotBeNull();
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class SequencerDecisionTests
{
    private readonly SequencerRig _rig = new();

    [Fact]
    public void A_keys_sequences_count_up_over_deletes_and_each_fact_names_the_one_before()
    {
        var first = Committed(_rig.Write(Put(User("a"), "1")));
        var second = Committed(_rig.Write(Delete(User("a"))));
        var third = Committed(_rig.Write(Put(User("a"), "1")));
        new[] { first, second, third }.Select(receipt => receipt.Sequence.Value).ShouldBe([1L, 2L, 3L]);
        first.Causation.ShouldBeNull();
        second.Causation.ShouldBe(first.FactId);
        third.Causation.ShouldBe(second.FactId);
        _rig.Committed.Select(fact => fact.After.Value).ShouldBe([0L, 1L, 2L]);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_new_key_of_a_collection_that_began_here_needs_no_load_until_a_head_has_left_the_cache()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", HeadsCachedMax = 3 });
        Committed(rig.Write(Put(User("a"))));
        var loads = rig.Loads;
        Committed(rig.Write(Put(User("b"), expected: 0)));
        Committed(rig.Write(Put(User("c"))));
        rig.Loads.ShouldBe(loads);

        Committed(rig.Write(Put(User("d"))));
        rig.Loads.ShouldBe(loads + 1);
        Committed(rig.Write(Put(User("a"), "2"))).Sequence.ShouldBe(new Sequence(2));
        var successor = rig.Successor();
        Committed(successor.Write(Put(User("b"), "2"))).Sequence.ShouldBe(new Sequence(2));
        Committed(successor.Write(Put(User("e")))).Sequence.ShouldBe(new Sequence(1));
        successor.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Writes_of_one_key_in_one_group_get_sequences_in_order()
    {
        var requests = Enumerable.Range(0, 5).Select(number => _rig.Submit(Put(User("a"), $"{number}"))).ToList();
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(5);
        _rig.Commit();
        requests.Select(request => _rig.Receipt(request).Sequence.Value).ShouldBe([1L, 2L, 3L, 4L, 5L]);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Nothing_is_refused_for_good_while_another_owner_may_know_better()
    {
        _rig.Write(Put(User("a")));
        _rig.Core.IsLeaseCertain = false;
        Refused(_rig.Write(Put(User("a"), "x", expected: 5))).ShouldBe(RefusalCode.NoOwner);
        Refused(_rig.Write(Delete(User("b")))).ShouldBe(RefusalCode.NoOwner);
        Committed(_rig.Write(Put(User("a"), "y", expected: 1))).Sequence.ShouldBe(new Sequence(2), "the fence decides");
        _rig.Core.IsLeaseCertain = true;
        Refused(_rig.Write(Put(User("a"), "x", expected: 5))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
    }

    [Fact]
    public void A_write_at_a_stale_expectation_is_refused_and_consumes_no_position()
    {
        _rig.Write(Put(User("a")));
        Refused(_rig.Write(Put(User("a"), "x", expected: 0))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        Refused(_rig.Write(Put(User("a"), "x", expected: 2))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        Refused(_rig.Write(Put(User("new"), "x", expected: 1))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        Committed(_rig.Write(Put(User("a"), "y", expected: 1))).Position.ShouldBe(new Position(2));
        Committed(_rig.Write(Put(User("new"), "y", expected: 0))).Position.ShouldBe(new Position(3));
    }

    [Fact]
    public void The_expectation_counts_tombstones_and_zero_means_no_fact_ever()
    {
        _rig.Write(Put(User("a")));
        _rig.Write(Delete(User("a"), expected: 1));
        Refused(_rig.Write(Put(User("a"), "x", expected: 0))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        Committed(_rig.Write(Put(User("a"), "x", expected: 2))).Sequence.ShouldBe(new Sequence(3));
    }

    [Fact]
    public void Only_if_no_live_record_looks_at_the_record_not_at_the_sequence()
    {
        var onlyNew = new WriteCommand { Key = User("a"), Op = ChangeOp.Put, Value = Value("n"), OnlyIfNoLiveRecord = true };
        Committed(_rig.Write(onlyNew)).Sequence.ShouldBe(new Sequence(1));
        Refused(_rig.Write(onlyNew)).ShouldBe(RefusalCode.LiveRecordExists);
        _rig.Write(Delete(User("a")));
        Committed(_rig.Write(onlyNew)).Sequence.ShouldBe(new Sequence(3));
    }

    [Fact]
    public void A_delete_without_a_live_record_is_refused_and_commits_nothing()
    {
        Refused(_rig.Write(Delete(User("a")))).ShouldBe(RefusalCode.NoLiveRecord);
        _rig.Write(Put(User("a")));
        _rig.Write(Delete(User("a")));
        Refused(_rig.Write(Delete(User("a")))).ShouldBe(RefusalCode.NoLiveRecord);
        _rig.Core.Position.ShouldBe(new Position(2));
    }

    [Fact]
    public void An_event_has_sequence_one_its_own_causation_and_no_second_under_its_key()
    {
        var first = Committed(_rig.Write(Append(new("acme", "event", "e1"))));
        var second = Committed(_rig.Write(new WriteCommand
        {
            Key = new("acme", "event", "e2"),
            Op = ChangeOp.Append,
            Value = Value("x"),
            Causation = first.FactId,
        }));
        first.Sequence.ShouldBe(new Sequence(1));
        first.Causation.ShouldBeNull();
        second.Causation.ShouldBe(first.FactId);
        Refused(_rig.Write(Append(new("acme", "event", "e1"), "other"))).ShouldBe(RefusalCode.WrongShape);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_refusal_that_rests_on_the_group_being_formed_waits_until_that_group_is_committed()
    {
        _rig.Write(Put(User("a")));
        var writer = _rig.Submit(Put(User("a"), "2", expected: 1));
        var late = _rig.Submit(Put(User("a"), "3", expected: 1));
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        _rig.IsAnswered(late).ShouldBeFalse();
        _rig.Report(new CommitOutcome.Failed("disk full"));
        _rig.IsAnswered(late).ShouldBeFalse();
        _rig.Settle();
        _rig.Receipt(writer).Sequence.ShouldBe(new Sequence(2));
        _rig.Refusal(late).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
    }

    [Fact]
    public void A_write_that_waits_for_its_key_holds_back_later_writes_of_that_key_and_no_others()
    {
        _rig.Write(Put(User("a"), "1", "known"));
        // Would be refused, so its idempotency key is asked for first; the unconditional write behind it must not
        // overtake.
        var conditional = _rig.Submit(Put(User("a"), "2", "unknown", expected: 0));
        var behind = _rig.Submit(Put(User("a"), "3"));
        var other = _rig.Submit(Put(User("b"), "1"));
        var cached = _rig.Submit(Put(User("a2"), "1"));
        _rig.Load();
        _rig.Settle();
        _rig.Refusal(conditional).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        _rig.Receipt(behind).Sequence.ShouldBe(new Sequence(2));
        _rig.Receipt(other).Sequence.ShouldBe(new Sequence(1));
        _rig.Receipt(cached).Sequence.ShouldBe(new Sequence(1));
    }

    [Fact]
    public void Group_time_is_whole_and_grows_even_when_the_clock_goes_back()
    {
        var first = Committed(_rig.Write(Put(User("a"))));
        _rig.Now = new(first.TransactionTime.UnixMicroseconds - 3_600_000_000);
        var second = Committed(_rig.Write(Put(User("a"))));
        var third = Committed(_rig.Write(Put(User("a"))));
        second.TransactionTime.UnixMicroseconds.ShouldBe(first.TransactionTime.UnixMicroseconds + 1);
        third.TransactionTime.UnixMicroseconds.ShouldBe(first.TransactionTime.UnixMicroseconds + 2);
        var next = new SequencerCore(_rig.Take("one"), _rig.Store.Info.History, _rig.Options);
        next.Submit(new WriteRequest(Put(User("a")), TimeSpan.MaxValue));
        next.TryTakeLoad(out var ticket).ShouldBeTrue();
        next.Loaded(ticket!, _rig.Read(ticket!));
        next.TryTakeGroup(_rig.Now, new SequentialIds(), Position.Start).ShouldNotBeNull()
            .Facts[0].Fact.TransactionTime.UnixMicroseconds.ShouldBe(first.TransactionTime.UnixMicroseconds + 3);
    }

    private static Receipt Committed(WriteResult result) => result.ShouldBeOfType<WriteResult.Committed>().Receipt;

    private static RefusalCode Refused(WriteResult result) => result.ShouldBeOfType<WriteResult.Refused>().Refusal.Code;
}

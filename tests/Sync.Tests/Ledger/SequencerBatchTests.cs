using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class SequencerBatchTests
{
    private readonly SequencerRig _rig = new();

    [Fact]
    public void A_batch_commits_in_order_in_one_group_also_one_key_twice()
    {
        var batch = _rig.SubmitBatch(Put(User("a"), "1"), Delete(User("a"), expected: 1), Put(User("b")), Put(User("a"), "3", expected: 2));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(4);
        _rig.Commit();
        Lines(batch).Select(line => line.Receipt.Sequence.Value).ShouldBe([1L, 2L, 1L, 3L]);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void One_bad_line_refuses_the_whole_batch_and_names_itself()
    {
        _rig.Write(Put(User("c")));
        var batch = _rig.SubmitBatch(Put(User("a")), Put(User("b")), Put(User("c"), "x", expected: 7), Put(User("d")));
        var behind = _rig.Submit(Put(User("a"), "single"));
        var conditional = _rig.Submit(Put(User("c"), "y", expected: 1));
        _rig.Settle();
        var refused = _rig.Batch(batch).ShouldBeOfType<AtomicResult.Refused>();
        refused.Line.ShouldBe(2);
        refused.Refusal.Code.ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        _rig.Receipt(behind).Sequence.ShouldBe(new Sequence(1));
        _rig.Receipt(conditional).Sequence.ShouldBe(new Sequence(2));
        _rig.Core.Position.ShouldBe(new Position(3));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_refused_batch_in_front_of_a_refused_write_does_not_leave_it_waiting()
    {
        _rig.Write(Put(User("a")));
        var batch = _rig.SubmitBatch(Put(User("a"), "2"), Put(User("b"), "x", expected: 5));
        var single = _rig.Submit(Put(User("a"), "x", expected: 9));
        _rig.Settle();
        _rig.Batch(batch).ShouldBeOfType<AtomicResult.Refused>().Line.ShouldBe(1);
        _rig.Refusal(single).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
    }

    [Fact]
    public void A_batch_that_would_be_refused_because_of_its_group_waits_for_that_group()
    {
        _rig.Write(Put(User("a")));
        _rig.Write(Put(User("b")));
        var single = _rig.Submit(Put(User("a"), "2"));
        var batch = _rig.SubmitBatch(Put(User("b"), "2"), Put(User("a"), "3", expected: 1));
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        _rig.IsAnswered(batch).ShouldBeFalse();
        _rig.Commit();
        _rig.Settle();
        _rig.Receipt(single).Sequence.ShouldBe(new Sequence(2));
        _rig.Batch(batch).ShouldBeOfType<AtomicResult.Refused>().Line.ShouldBe(1);
        _rig.Core.Position.ShouldBe(new Position(3));
    }

    [Fact]
    public void A_repeated_batch_gets_its_first_receipts()
    {
        WriteCommand[] commands = [Put(User("a"), "1", "i1", expected: 0), Put(User("b"), "1", "i2", expected: 0)];
        var first = _rig.SubmitBatch(commands);
        var again = _rig.SubmitBatch(commands);
        _rig.Settle();
        Lines(again).Select(line => line.Receipt).ShouldBe(Lines(first).Select(line => line.Receipt));
        Lines(again).ShouldAllBe(line => line.Replayed);
        var successor = _rig.Successor();
        var third = successor.SubmitBatch(commands);
        successor.Settle();
        successor.Batch(third).ShouldBeOfType<AtomicResult.Committed>().Lines.Select(line => line.Receipt)
            .ShouldBe(Lines(first).Select(line => line.Receipt));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_batch_over_its_limits_is_refused_as_a_whole()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", GroupFactsMax = 3, GroupBytesMax = 100_000 });
        Code(rig, rig.SubmitBatch()).ShouldBe(RefusalCode.InvalidBatch);
        Code(rig, rig.SubmitBatch([.. Enumerable.Range(0, 4).Select(number => Put(User($"{number}")))]))
            .ShouldBe(RefusalCode.InvalidBatch);
        Code(rig, rig.SubmitBatch(Put(User("a"), new string('x', 60_000)), Put(User("b"), new string('x', 60_000)))).ShouldBe(RefusalCode.InvalidBatch);
        Code(rig, rig.SubmitBatch(Put(User("a"), "1", "same"), Put(User("b"), "1", "same"))).ShouldBe(RefusalCode.InvalidBatch);
        rig.Refusal(rig.Submit(Put(User("a"), new string('x', 100_001)))).ShouldBe(RefusalCode.TooLarge);
    }

    [Fact]
    public void A_batch_that_does_not_fit_the_group_is_in_the_next_one_whole()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", GroupFactsMax = 3 });
        var single = rig.Submit(Put(User("a")));
        var batch = rig.SubmitBatch(Put(User("b")), Put(User("c")), Put(User("d")));
        rig.Load();
        rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        rig.Commit();
        rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(3);
        rig.Commit();
        rig.Receipt(single).Position.ShouldBe(new Position(1));
        rig.Batch(batch).ShouldBeOfType<AtomicResult.Committed>();
    }

    [Fact]
    public void A_poisoned_batch_is_refused_as_one_and_harms_no_neighbour()
    {
        var before = _rig.Submit(Put(User("a")));
        var batch = _rig.SubmitBatch(Put(User("b")), Put(User("c"), "poison"));
        var after = _rig.Submit(Put(User("b")));
        _rig.Load();
        while (_rig.Group() is { } group)
        {
            if (group.Facts.Any(pending => pending.Fact.ValueHash == Hash256.Of(Value("poison"))))
                _rig.Report(new CommitOutcome.DataError("bad"));
            else _rig.Commit();
        }
        var refused = _rig.Batch(batch).ShouldBeOfType<AtomicResult.Refused>();
        refused.Refusal.Code.ShouldBe(RefusalCode.DataError);
        refused.Line.ShouldBeNull();
        _rig.Receipt(before).Sequence.ShouldBe(new Sequence(1));
        _rig.Receipt(after).Sequence.ShouldBe(new Sequence(1));
    }

    private IReadOnlyList<WriteResult.Committed> Lines(WriteRequest batch) =>
        _rig.Batch(batch).ShouldBeOfType<AtomicResult.Committed>().Lines;

    private static RefusalCode Code(SequencerRig rig, WriteRequest batch) =>
        rig.Batch(batch).ShouldBeOfType<AtomicResult.Refused>().Refusal.Code;
}

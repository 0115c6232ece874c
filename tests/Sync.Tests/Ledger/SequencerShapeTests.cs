using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

/// <summary>A collection holds records or events, as its first write declared; and events whose key the writer
/// gives.</summary>
public sealed class SequencerShapeTests
{
    private static readonly SyncedKey Event = new("acme", "event", "e");
    private static readonly SyncedKey Keyless = Event with { Key = "" };

    private readonly SequencerRig _rig = new();

    [Fact]
    public void The_first_write_declares_the_shape_and_others_are_refused()
    {
        _rig.Write(Put(User("a")));
        _rig.Write(Append(Event));
        Refused(_rig.Write(Append(User("b")))).ShouldBe(RefusalCode.WrongShape);
        Refused(_rig.Write(Append(User("") with { Key = "" }))).ShouldBe(RefusalCode.WrongShape);
        Refused(_rig.Write(Put(Event with { Key = "f" }))).ShouldBe(RefusalCode.WrongShape);
        Refused(_rig.Write(Put(Event, expected: 7))).ShouldBe(RefusalCode.WrongShape);
        Refused(_rig.Write(Delete(Event))).ShouldBe(RefusalCode.WrongShape);
        _rig.Core.Position.ShouldBe(new Position(2));
        Committed(_rig.Write(Delete(User("a"))));
        Committed(_rig.Write(Append(Event with { Key = "f" })));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_refused_write_declares_nothing()
    {
        Refused(_rig.Write(Delete(Event))).ShouldBe(RefusalCode.NoLiveRecord);
        Refused(_rig.Write(Put(Event, expected: 3))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        _rig.Batch(Settled(_rig.SubmitBatch(Put(Event), Append(Event with { Key = "f" })))).ShouldBeOfType<AtomicResult.Refused>()
            .Line.ShouldBe(1);
        Committed(_rig.Write(Append(Event)));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Of_two_shapes_that_race_in_one_group_the_first_wins_and_the_other_hears_it_after_the_commit()
    {
        var append = _rig.Submit(Append(Event));
        var put = _rig.Submit(Put(Event with { Key = "f" }));
        var second = _rig.Submit(Append(Event with { Key = "g" }));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(2);
        _rig.IsAnswered(put).ShouldBeFalse();
        _rig.Report(new CommitOutcome.Failed("disk full"));
        _rig.IsAnswered(put).ShouldBeFalse();
        _rig.Settle();
        _rig.Receipt(append).Position.ShouldBe(new Position(1));
        _rig.Receipt(second).Position.ShouldBe(new Position(2));
        _rig.Refusal(put).ShouldBe(RefusalCode.WrongShape);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_shape_that_was_declared_by_a_group_that_failed_is_free_again()
    {
        var poison = _rig.Submit(Append(Event));
        var put = _rig.Submit(Put(Event with { Key = "f" }));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        _rig.Report(new CommitOutcome.DataError("refused"));
        _rig.Settle();
        _rig.Refusal(poison).ShouldBe(RefusalCode.DataError);
        _rig.Receipt(put).Position.ShouldBe(new Position(1));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_successor_loads_the_shape()
    {
        _rig.Write(Append(Event));
        _rig.Write(Put(User("a")));
        var next = _rig.Successor();
        Refused(next.Write(Put(Event with { Key = "f" }))).ShouldBe(RefusalCode.WrongShape);
        Refused(next.Write(Append(User("b")))).ShouldBe(RefusalCode.WrongShape);
        Committed(next.Write(Append(Event with { Key = "f" })));
        next.Check().ShouldBeEmpty();
    }

    [Fact]
    public void An_event_without_a_key_is_under_its_own_id()
    {
        var requests = Enumerable.Range(0, 3).Select(number => _rig.Submit(Append(Keyless, $"{number}"))).ToList();
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(3);
        _rig.Commit();
        foreach (var receipt in requests.Select(request => _rig.Receipt(request)))
        {
            receipt.Key.ShouldBe(Event with { Key = receipt.FactId.ToString() });
            receipt.Sequence.ShouldBe(new Sequence(1));
            receipt.Causation.ShouldBeNull();
            Refused(_rig.Write(Append(receipt.Key, "another"))).ShouldBe(RefusalCode.WrongShape);
        }
        _rig.Loads.ShouldBe(4, "the collection once, and the three named keys");
        _rig.Committed.Select(fact => fact.Value.ToArray()).ShouldBe([Value("0"), Value("1"), Value("2")]);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_repeat_without_a_key_gets_the_first_receipt_also_from_a_successor()
    {
        var first = Committed(_rig.Write(Append(Keyless, "e", "i")));
        foreach (var rig in new[] { _rig, _rig.Successor() })
        {
            var repeat = rig.Write(Append(Keyless, "e", "i")).ShouldBeOfType<WriteResult.Committed>();
            (repeat.Receipt, repeat.Replayed).ShouldBe((first, true));
            rig.Write(Append(first.Key, "e", "i")).ShouldBeOfType<WriteResult.Committed>().Receipt.ShouldBe(first);
            Refused(rig.Write(Append(Keyless, "other", "i"))).ShouldBe(RefusalCode.IdempotencyKeyReused);
            Refused(rig.Write(Append(Event, "e", "i"))).ShouldBe(RefusalCode.IdempotencyKeyReused);
            Refused(rig.Write(Append(Keyless with { Collection = "other" }, "e", "i"))).ShouldBe(RefusalCode.IdempotencyKeyReused);
        }
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_repeat_without_a_key_of_an_event_that_had_one_is_another_write()
    {
        Committed(_rig.Write(Append(Event, "e", "i")));
        Refused(_rig.Write(Append(Keyless, "e", "i"))).ShouldBe(RefusalCode.IdempotencyKeyReused);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_an_unknown_commit_a_repeat_without_a_key_commits_once(bool stored)
    {
        var lost = _rig.Submit(Append(Keyless, "e", "i"));
        _rig.Load();
        var group = _rig.Group().ShouldNotBeNull();
        if (stored) _rig.InStore(group);
        _rig.Report(new CommitOutcome.Unknown("connection lost"));
        var repeat = _rig.Submit(Append(Keyless, "e", "i"));
        _rig.Resolve();
        _rig.Settle();
        _rig.Receipt(repeat).ShouldBe(_rig.Receipt(lost));
        _rig.Core.Position.ShouldBe(new Position(1));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Events_without_a_key_keep_their_order_when_an_earlier_one_waits()
    {
        Committed(_rig.Write(Append(Keyless, "used", "i")));
        var rig = _rig.Successor();
        Committed(rig.Write(Append(Keyless, "warm")));
        // The store says that the key was used: its write and those behind it wait for the load.
        var used = rig.Submit(Append(Keyless, "used", "i"));
        rig.Group().ShouldNotBeNull();
        rig.Commit().ShouldBeOfType<CommitOutcome.DuplicateKey>();
        var next = rig.Submit(Append(Keyless, "next"));
        rig.Group().ShouldBeNull();
        rig.Settle();
        rig.Result(used).ShouldBeOfType<WriteResult.Committed>().Replayed.ShouldBeTrue();
        rig.Receipt(next).Position.ShouldBe(new Position(3));
    }

    [Fact]
    public void Only_an_append_may_leave_its_key_to_the_writer()
    {
        Refused(_rig.Write(Put(Keyless))).ShouldBe(RefusalCode.InvalidName);
        Refused(_rig.Write(Delete(Keyless))).ShouldBe(RefusalCode.InvalidName);
        _rig.Batch(Settled(_rig.SubmitBatch(Append(Keyless), Put(Keyless)))).ShouldBeOfType<AtomicResult.Refused>();
        _rig.Core.Position.ShouldBe(Position.Start);
    }

    [Fact]
    public void A_batch_may_hold_events_with_and_without_keys()
    {
        var batch = Settled(_rig.SubmitBatch(Append(Keyless, "1", "i1"), Append(Event, "2"), Append(Keyless, "3", "i3"), Put(User("a"))));
        var lines = _rig.Batch(batch).ShouldBeOfType<AtomicResult.Committed>().Lines;
        lines.Select(line => line.Receipt.Position.Value).ShouldBe([1L, 2L, 3L, 4L]);
        var repeat = _rig.Batch(Settled(_rig.SubmitBatch(Append(Keyless, "1", "i1"), Append(Keyless, "3", "i3"))))
            .ShouldBeOfType<AtomicResult.Committed>();
        repeat.Lines.Select(line => line.Receipt).ShouldBe([lines[0].Receipt, lines[2].Receipt]);
        _rig.Check().ShouldBeEmpty();
    }

    private WriteRequest Settled(WriteRequest request)
    {
        _rig.Settle();
        return request;
    }

    private static Receipt Committed(WriteResult result) => result.ShouldBeOfType<WriteResult.Committed>().Receipt;

    private static RefusalCode Refused(WriteResult result) => result.ShouldBeOfType<WriteResult.Refused>().Refusal.Code;
}

using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class WriteOrderTests
{
    private readonly WriteOrder _order = new();

    [Fact]
    public void Several_writes_of_a_key_in_one_request_commit_in_one_group_in_their_order()
    {
        var rig = new SequencerRig();
        var writes = Enumerable.Range(1, 3).Select(turn => rig.Submit(Put(User("a"), $"{turn}"), order: _order)).ToList();
        rig.Load();
        rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(3);
        rig.Commit();
        writes.Select(write => rig.Receipt(write).Sequence.Value).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void What_follows_a_write_that_found_the_queue_full_is_refused_until_the_request_ends()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", QueuedWritesMax = 1 });
        var first = rig.Submit(Put(User("other")));
        rig.Refusal(rig.Submit(Put(User("a"), "1"), order: _order)).ShouldBe(RefusalCode.Overloaded);
        rig.Settle();
        rig.Receipt(first).Sequence.ShouldBe(new Sequence(1));

        rig.Refusal(rig.Submit(Put(User("a"), "2"), order: _order)).ShouldBe(RefusalCode.Overloaded);
        var sameRequest = rig.Submit(Put(User("b")), order: _order);
        rig.Settle();
        var nextRequest = rig.Submit(Put(User("a"), "1"), order: new WriteOrder());
        rig.Settle();
        rig.Receipt(sameRequest).Sequence.ShouldBe(new Sequence(1));
        rig.Receipt(nextRequest).Sequence.ShouldBe(new Sequence(1));
    }

    [Fact]
    public void What_follows_a_write_that_waited_too_long_is_not_committed_in_its_place()
    {
        var rig = new SequencerRig();
        var early = rig.Submit(Put(User("a"), "1"), TimeSpan.FromSeconds(1), _order);
        var late = rig.Submit(Put(User("a"), "2"), TimeSpan.FromHours(1), _order);
        rig.Core.Expire(TimeSpan.FromSeconds(2));
        rig.Settle();
        rig.Refusal(early).ShouldBe(RefusalCode.LedgerUnavailable);
        rig.Refusal(late).ShouldBe(RefusalCode.Overloaded);
        rig.Committed.ShouldBeEmpty();
    }

    [Fact]
    public void What_follows_a_write_of_unknown_outcome_waits_for_the_caller_to_repeat_it()
    {
        var rig = new SequencerRig();
        var early = rig.Submit(Put(User("a"), "1"), TimeSpan.FromSeconds(1), _order);
        rig.Load();
        rig.Group().ShouldNotBeNull();
        var late = rig.Submit(Put(User("a"), "2"), TimeSpan.FromHours(1), _order);
        rig.Core.Expire(TimeSpan.FromSeconds(2));
        rig.Report(new CommitOutcome.Failed("not now"));
        rig.Settle();
        rig.Result(early).ShouldBeOfType<WriteResult.Unknown>();
        rig.Refusal(late).ShouldBe(RefusalCode.Overloaded);
        rig.Committed.ShouldBeEmpty();
    }

    [Fact]
    public void A_refusal_for_good_does_not_hold_back_what_follows()
    {
        var rig = new SequencerRig();
        var refused = rig.Submit(Put(User("a"), "1", expected: 7), order: _order);
        var next = rig.Submit(Put(User("a"), "2"), order: _order);
        rig.Settle();
        rig.Refusal(refused).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        rig.Receipt(next).Sequence.ShouldBe(new Sequence(1));
    }

    [Fact]
    public void Beyond_its_bound_every_key_counts_as_failed()
    {
        var unknown = new WriteResult.Unknown("lost");
        for (var number = 0; number < 9_999; number++) _order.Note(User($"k{number}"), unknown);
        _order.IsBroken(User("fine")).ShouldBeFalse();
        _order.Note(User("last"), unknown);
        _order.IsBroken(User("fine")).ShouldBeTrue();
    }
}

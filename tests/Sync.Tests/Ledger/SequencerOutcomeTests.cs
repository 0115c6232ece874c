using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class SequencerOutcomeTests
{
    private readonly SequencerRig _rig = new();

    [Fact]
    public void Nothing_is_acknowledged_before_the_commit_returned()
    {
        var request = _rig.Submit(Put(User("a")));
        _rig.Load();
        _rig.InStore(_rig.Group().ShouldNotBeNull()).ShouldBeOfType<CommitOutcome.Committed>();
        _rig.IsAnswered(request).ShouldBeFalse();
        _rig.Committed.ShouldBeEmpty();
        _rig.Report(new CommitOutcome.Committed());
        _rig.Receipt(request).Position.ShouldBe(new Position(1));
        _rig.Committed.Count.ShouldBe(1);
    }

    [Fact]
    public void Names_that_only_expired_writes_wanted_are_not_loaded()
    {
        _rig.Submit(Put(User("loading")), TimeSpan.FromSeconds(1));
        _rig.Core.TryTakeLoad(out var lost).ShouldBeTrue();
        _rig.Submit(Put(User("late")), TimeSpan.FromSeconds(1));
        _rig.Core.Expire(TimeSpan.FromSeconds(1));
        _rig.Core.LoadFailed(lost);
        _rig.Core.TryTakeLoad(out _).ShouldBeFalse();

        var waiting = _rig.Submit(Put(User("waiting")));
        _rig.Core.TryTakeLoad(out var ticket).ShouldBeTrue();
        ticket.Request.Keys.ShouldBe([User("waiting")]);
        _rig.Core.Loaded(ticket, _rig.Read(ticket));
        var again = _rig.Submit(Put(User("late")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(2);
        _rig.Commit();
        _rig.Receipt(waiting).Position.ShouldBe(new Position(1));
        _rig.Receipt(again).Position.ShouldBe(new Position(2));
    }

    [Fact]
    public void What_waits_when_a_commit_returns_is_the_next_group_and_only_one_is_in_flight()
    {
        _rig.Submit(Put(User("a")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        for (var number = 0; number < 7; number++) _rig.Submit(Put(User($"k{number}")));
        _rig.Load();
        _rig.Group().ShouldBeNull();
        _rig.Commit();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(7);
    }

    [Fact]
    public void Loads_run_while_a_commit_is_in_flight_and_cannot_replace_what_it_changes()
    {
        var rig = OfACollectionThatWasThere();
        var first = rig.Submit(Put(User("a"), "1"));
        rig.Core.TryTakeLoad(out var ticket).ShouldBeTrue();
        var early = rig.Read(ticket!);
        rig.Core.Loaded(ticket!, early);
        rig.Group().ShouldNotBeNull();
        var second = rig.Submit(Put(User("a"), "2"));
        var other = rig.Submit(Put(User("b"), "1"));
        rig.Core.TryTakeLoad(out var during).ShouldBeTrue();
        during!.Request.Keys.ShouldBe([User("b")]);
        var read = rig.Read(during);
        rig.Commit();
        rig.Core.Loaded(during, read);
        // The answer of a ticket that was answered before changes nothing any more.
        rig.Core.Loaded(ticket!, early);
        rig.Settle();
        rig.Receipt(first).Sequence.ShouldBe(new Sequence(1));
        rig.Receipt(second).Sequence.ShouldBe(new Sequence(2));
        rig.Receipt(other).Sequence.ShouldBe(new Sequence(1));
        rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_failed_load_is_wanted_again()
    {
        var request = _rig.Submit(Put(User("a"), "1", "key"));
        _rig.Core.TryTakeLoad(out var ticket).ShouldBeTrue();
        _rig.Core.LoadFailed(ticket!);
        _rig.Settle();
        _rig.Receipt(request).Sequence.ShouldBe(new Sequence(1));
    }

    [Fact]
    public void A_group_is_cut_by_facts_and_by_bytes()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", GroupFactsMax = 3, GroupBytesMax = 100_000 });
        for (var number = 0; number < 4; number++) rig.Submit(Put(User($"k{number}")));
        rig.Submit(Put(User("large1"), new string('x', 60_000)));
        rig.Submit(Put(User("large2"), new string('x', 60_000)));
        rig.Load();
        var sizes = new List<int>();
        while (rig.Group() is { } group)
        {
            sizes.Add(group.Facts.Count);
            rig.Commit();
        }
        sizes.ShouldBe([3, 2, 1]);
    }

    [Fact]
    public void A_full_queue_refuses_by_count_and_by_bytes_and_takes_again_when_it_is_empty()
    {
        var rig = new SequencerRig(new LedgerOptions { Owner = "one", QueuedWritesMax = 3, QueuedBytesMax = 100_000 });
        for (var number = 0; number < 3; number++) rig.Submit(Put(User($"k{number}")));
        rig.Refusal(rig.Submit(Put(User("k4")))).ShouldBe(RefusalCode.Overloaded);
        rig.Settle();
        rig.Core.Queued.ShouldBe(0);
        rig.Core.QueuedBytes.ShouldBe(0);
        rig.Submit(Put(User("large"), new string('x', 99_000)));
        rig.Refusal(rig.Submit(Put(User("k5"), new string('x', 1000)))).ShouldBe(RefusalCode.Overloaded);
        rig.Settle();
        rig.Write(Put(User("k5"))).ShouldBeOfType<WriteResult.Committed>();
    }

    [Fact]
    public void A_fenced_commit_refuses_everything_and_acknowledges_nothing()
    {
        var inGroup = _rig.Submit(Put(User("a")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        var waiting = _rig.Submit(Put(User("b")));
        _rig.Take("one");
        _rig.Commit().ShouldBeOfType<CommitOutcome.Fenced>();
        _rig.Refusal(inGroup).ShouldBe(RefusalCode.NoOwner);
        _rig.Refusal(waiting).ShouldBe(RefusalCode.NoOwner);
        _rig.Refusal(_rig.Submit(Put(User("c")))).ShouldBe(RefusalCode.NoOwner);
        _rig.Committed.ShouldBeEmpty();
        _rig.Core.Phase.ShouldBe(SequencerPhase.Lost);
        _rig.Core.IsIdle.ShouldBeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(50)]
    public void A_poisoned_write_among_fifty_fails_alone(int poisoned)
    {
        var requests = Enumerable.Range(1, 50).Select(number => _rig.Submit(Put(User($"k{number % 7}"), number == poisoned ? "poison" : "fine"))).ToList();
        _rig.Load();
        for (var commits = 0; _rig.Group() is { } group; commits++)
        {
            commits.ShouldBeLessThan(20);
            if (group.Facts.Any(pending => pending.Fact.ValueHash == Hash256.Of(Value("poison"))))
                _rig.Report(new CommitOutcome.DataError("22021"));
            else _rig.Commit();
        }
        for (var index = 0; index < 50; index++)
        {
            if (index + 1 == poisoned) _rig.Refusal(requests[index]).ShouldBe(RefusalCode.DataError);
            else _rig.Result(requests[index]).ShouldBeOfType<WriteResult.Committed>();
        }
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_failed_commit_is_put_back_in_order_and_refused_only_at_its_deadline()
    {
        var patient = _rig.Submit(Put(User("a"), "1"));
        var hasty = _rig.Submit(Put(User("a"), "2"), TimeSpan.FromSeconds(1));
        var last = _rig.Submit(Put(User("a"), "3"));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        _rig.Report(new CommitOutcome.Failed("no connection"));
        _rig.Core.Expire(TimeSpan.FromSeconds(2));
        _rig.Collect();
        _rig.Refusal(hasty).ShouldBe(RefusalCode.LedgerUnavailable);
        _rig.Settle();
        _rig.Receipt(patient).Sequence.ShouldBe(new Sequence(1));
        _rig.Receipt(last).Sequence.ShouldBe(new Sequence(2));
        _rig.Committed.Select(fact => fact.Value.ToArray()).ShouldBe([Value("1"), Value("3")]);
    }

    [Fact]
    public void A_deadline_during_the_commit_answers_unknown_once()
    {
        var request = _rig.Submit(Put(User("a"), "1"), TimeSpan.FromSeconds(1));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        _rig.Core.Expire(TimeSpan.FromSeconds(1));
        _rig.Collect();
        _rig.Result(request).ShouldBeOfType<WriteResult.Unknown>();
        _rig.Commit();
        _rig.Committed.Count.ShouldBe(1);
        _rig.Core.Queued.ShouldBe(0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_unknown_outcome_is_resolved_by_taking_the_feed_over_from_itself(bool wasCommitted)
    {
        var requests = new[] { _rig.Submit(Put(User("a"), "1", "key")), _rig.Submit(Put(User("a"), "2")) };
        _rig.Load();
        var group = _rig.Group().ShouldNotBeNull();
        if (wasCommitted) _rig.InStore(group);
        _rig.Report(new CommitOutcome.Unknown("connection lost"));
        _rig.Core.Phase.ShouldBe(SequencerPhase.Resolving);
        var meanwhile = _rig.Submit(Put(User("a"), "3"));
        _rig.Group().ShouldBeNull();
        _rig.IsAnswered(requests[0]).ShouldBeFalse();
        _rig.Resolve();
        _rig.InStore(group).ShouldBeOfType<CommitOutcome.Fenced>();
        _rig.Settle();
        _rig.Receipt(requests[0]).Sequence.ShouldBe(new Sequence(1));
        _rig.Receipt(requests[1]).Sequence.ShouldBe(new Sequence(2));
        _rig.Receipt(meanwhile).Sequence.ShouldBe(new Sequence(3));
        (_rig.Receipt(requests[0]).FactId == group.Facts[0].Fact.Id).ShouldBe(wasCommitted);
        _rig.Committed.Select(fact => fact.Position.Value).ShouldBe([1L, 2L, 3L]);
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void After_an_unknown_outcome_and_a_foreign_owner_nothing_remembered_is_trusted()
    {
        var rig = OfACollectionThatWasThere();
        rig.Write(Put(User("a"), "1"));
        rig.Write(Put(User("b"), "1"));
        var lost = rig.Submit(Put(User("a"), "2"));
        var stale = rig.Submit(Put(User("new"), "1"));
        rig.Core.TryTakeLoad(out var ticket).ShouldBeTrue();
        var read = rig.Read(ticket!);
        rig.Group().ShouldNotBeNull();
        rig.Report(new CommitOutcome.Unknown("connection lost"));
        var foreign = rig.Successor();
        foreign.Write(Put(User("a"), "foreign"));
        foreign.Write(Put(User("b"), "foreign"));
        foreign.Write(Put(User("new"), "foreign"));
        rig.Resolve();
        rig.Core.Loaded(ticket!, read);
        var next = rig.Submit(Put(User("b"), "3"));
        rig.Settle();
        rig.Receipt(lost).Sequence.ShouldBe(new Sequence(3));
        rig.Receipt(next).Sequence.ShouldBe(new Sequence(3));
        rig.Receipt(stale).Sequence.ShouldBe(new Sequence(2));
        rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_lost_take_over_leaves_the_group_unknown_and_refuses_the_rest()
    {
        var inGroup = _rig.Submit(Put(User("a")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        var waiting = _rig.Submit(Put(User("b")));
        _rig.Report(new CommitOutcome.Unknown("connection lost"));
        _rig.Core.ResolveFailed("another owner");
        _rig.Collect();
        _rig.Result(inGroup).ShouldBeOfType<WriteResult.Unknown>();
        _rig.Refusal(waiting).ShouldBe(RefusalCode.NoOwner);
        _rig.Core.Queued.ShouldBe(0);
    }

    [Fact]
    public void A_lost_lease_refuses_what_waits_and_lets_the_commit_in_flight_answer()
    {
        var inGroup = _rig.Submit(Put(User("a")));
        _rig.Load();
        _rig.Group().ShouldNotBeNull();
        var waiting = _rig.Submit(Put(User("b")));
        _rig.Core.LeaseLost();
        _rig.Collect();
        _rig.Refusal(waiting).ShouldBe(RefusalCode.NoOwner);
        _rig.IsAnswered(inGroup).ShouldBeFalse();
        _rig.Commit();
        _rig.Receipt(inGroup).Position.ShouldBe(new Position(1));
        _rig.Core.IsIdle.ShouldBeTrue();
    }

    [Fact]
    public void A_stop_commits_what_waits_and_admits_no_more()
    {
        var waiting = _rig.Submit(Put(User("a")));
        _rig.Core.Stop();
        _rig.Refusal(_rig.Submit(Put(User("b")))).ShouldBe(RefusalCode.ShuttingDown);
        _rig.Core.IsIdle.ShouldBeFalse();
        _rig.Settle();
        _rig.Receipt(waiting).Position.ShouldBe(new Position(1));
        _rig.Core.IsIdle.ShouldBeTrue();
    }

    // Of a collection that began under an owner nothing would have to be loaded.
    private SequencerRig OfACollectionThatWasThere()
    {
        _rig.Write(Put(User("old"), "0"));
        return _rig.Successor();
    }
}

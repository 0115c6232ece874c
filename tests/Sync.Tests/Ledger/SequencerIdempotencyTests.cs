using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class SequencerIdempotencyTests
{
    private readonly SequencerRig _rig = new();

    [Fact]
    public void A_repeated_key_gets_the_first_receipt_without_a_load()
    {
        var first = Committed(_rig.Write(Put(User("a"), "1", "key")));
        _rig.Write(Put(User("a"), "2"));
        var loads = _rig.Loads;
        var again = Committed(_rig.Write(Put(User("a"), "1", "key")));
        again.Replayed.ShouldBeTrue();
        again.Receipt.ShouldBe(first.Receipt);
        first.Replayed.ShouldBeFalse();
        _rig.Loads.ShouldBe(loads);
        _rig.Core.Position.ShouldBe(new Position(2));
    }

    [Fact]
    public void The_key_comes_before_the_expectation()
    {
        var first = Committed(_rig.Write(Put(User("a"), "1", "key", expected: 0)));
        Committed(_rig.Write(Put(User("a"), "1", "key", expected: 0))).Receipt.ShouldBe(first.Receipt);
    }

    [Fact]
    public void A_new_owner_asks_for_the_key_of_a_write_that_it_would_refuse()
    {
        var put = Committed(_rig.Write(Put(User("a"), "1", "put", expected: 0)));
        var delete = Committed(_rig.Write(Delete(User("a"), "delete")));
        var rig = Successor();
        rig(Put(User("a"), "x")).ShouldBeOfType<WriteResult.Committed>();
        Committed(rig(Put(User("a"), "1", "put", expected: 0))).ShouldBe(new(put.Receipt, true));
        rig(Delete(User("a"))).ShouldBeOfType<WriteResult.Committed>();
        Committed(rig(Delete(User("a"), "delete"))).ShouldBe(new(delete.Receipt, true));
        rig(Delete(User("a"), "fresh")).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.NoLiveRecord);
    }

    [Fact]
    public void An_attempt_that_waits_behind_a_refused_one_of_its_key_is_refused_too()
    {
        var first = _rig.Submit(Delete(User("a"), "key"));
        var put = _rig.Submit(Put(User("a"), "1", "put"));
        var second = _rig.Submit(Delete(User("a"), "key"));
        _rig.Settle();

        _rig.Refusal(first).ShouldBe(RefusalCode.NoLiveRecord);
        _rig.Receipt(put).Sequence.ShouldBe(new Sequence(1));
        _rig.Refusal(second).ShouldBe(RefusalCode.NoLiveRecord);
        // Nobody waits any more: the key is as good as new.
        Committed(_rig.Write(Delete(User("a"), "key"))).Receipt.Sequence.ShouldBe(new Sequence(2));
        _rig.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_write_with_a_cached_head_and_a_fresh_key_asks_the_store_nothing()
    {
        _rig.Write(Put(User("a"), "1"));
        var loads = _rig.Loads;
        _rig.Write(Put(User("a"), "2", "fresh"));
        _rig.Loads.ShouldBe(loads);
    }

    [Fact]
    public void A_key_that_the_store_knows_is_found_by_the_commit_and_answered_with_the_first_receipt()
    {
        var first = Committed(_rig.Write(Put(User("a"), "1", "key")));
        var write = Successor(out var rig);
        write(Put(User("a"), "2")).ShouldBeOfType<WriteResult.Committed>();
        write(Put(User("b"), "2")).ShouldBeOfType<WriteResult.Committed>();
        // Both heads are known, so the repeated key is not asked for: the unique index of the store is what finds it.
        var repeat = rig.Submit(Put(User("a"), "1", "key"));
        var neighbour = rig.Submit(Put(User("b"), "3", "new"));
        rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(2);
        rig.Commit().ShouldBeOfType<CommitOutcome.DuplicateKey>();
        rig.IsAnswered(neighbour).ShouldBeFalse();
        rig.Settle();
        rig.Result(repeat).ShouldBe(new WriteResult.Committed(first.Receipt, true));
        rig.Receipt(neighbour).Sequence.ShouldBe(new Sequence(2));
        rig.Check().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("value")]
    [InlineData("key")]
    [InlineData("collection")]
    [InlineData("op")]
    [InlineData("schema")]
    public void A_used_key_with_another_write_is_refused(string difference)
    {
        _rig.Write(Put(User("a"), "1", "key"));
        var key = difference switch { "key" => User("b"), "collection" => new SyncedKey("acme", "order", "a"), _ => User("a") };
        var other = new WriteCommand
        {
            Key = key,
            Op = difference == "op" ? ChangeOp.Append : ChangeOp.Put,
            Value = Value(difference == "value" ? "2" : "1"),
            SchemaVersion = difference == "schema" ? new("2.0") : SchemaVersion.Default,
            IdempotencyKey = "key",
        };
        _rig.Write(other).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.IdempotencyKeyReused);
        _rig.Core.Position.ShouldBe(new Position(1));
    }

    [Fact]
    public void The_same_key_in_another_vault_is_another_key()
    {
        _rig.Write(Put(User("a"), "1", "key"));
        Committed(_rig.Write(Put(new("other", "user", "a"), "1", "key"))).Replayed.ShouldBeFalse();
    }

    [Fact]
    public void The_same_key_twice_in_the_queue_commits_once_and_answers_both()
    {
        var first = _rig.Submit(Put(User("a"), "1", "key"));
        var second = _rig.Submit(Put(User("a"), "1", "key"));
        var other = _rig.Submit(Put(User("b"), "1", "key"));
        _rig.Load();
        _rig.Group().ShouldNotBeNull().Facts.Count.ShouldBe(1);
        _rig.IsAnswered(second).ShouldBeFalse();
        _rig.Commit();
        _rig.Settle();
        _rig.Result(second).ShouldBe(new WriteResult.Committed(_rig.Receipt(first), true));
        _rig.Refusal(other).ShouldBe(RefusalCode.IdempotencyKeyReused);
    }

    [Fact]
    public void A_repeat_while_the_first_is_in_flight_waits_for_its_outcome()
    {
        _rig.Write(Put(User("a"), "0"));
        var first = _rig.Submit(Put(User("a"), "1", "key"));
        _rig.Group().ShouldNotBeNull();
        var repeat = _rig.Submit(Put(User("a"), "1", "key"));
        _rig.Group().ShouldBeNull();
        _rig.Report(new CommitOutcome.Failed("try later"));
        _rig.IsAnswered(repeat).ShouldBeFalse();
        _rig.Settle();
        _rig.Result(repeat).ShouldBe(new WriteResult.Committed(_rig.Receipt(first), true));
        _rig.Core.Position.ShouldBe(new Position(2));
    }

    [Fact]
    public void A_refusal_records_no_key()
    {
        _rig.Write(Put(User("a"), "0"));
        _rig.Write(Put(User("a"), "1", "key", expected: 9)).ShouldBeOfType<WriteResult.Refused>();
        Committed(_rig.Write(Put(User("a"), "1", "key"))).Replayed.ShouldBeFalse();
    }

    [Fact]
    public void Forgotten_keys_and_heads_are_asked_for_again()
    {
        var rig = new SequencerRig(new LedgerOptions
        {
            Owner = "one",
            HeadsCachedMax = 2,
            IdempotencyKeysCachedMax = 2,
            CollectionsCachedMax = 1,
        });
        var receipts = new List<Receipt>();
        for (var number = 0; number < 20; number++)
            receipts.Add(Committed(rig.Write(Put(new("acme", $"c{number % 3}", $"k{number}"), "1", $"i{number}"))).Receipt);
        for (var number = 0; number < 20; number++)
        {
            var again = Committed(rig.Write(Put(new("acme", $"c{number % 3}", $"k{number}"), "1", $"i{number}")));
            again.ShouldBe(new(receipts[number], true));
        }
        for (var number = 0; number < 20; number++)
            Committed(rig.Write(Put(new("acme", $"c{number % 3}", $"k{number}"), "2"))).Receipt.Sequence.ShouldBe(new Sequence(2));
        rig.Check().ShouldBeEmpty();
    }

    private static WriteResult.Committed Committed(WriteResult result) =>
        result.ShouldBeOfType<WriteResult.Committed>();

    private Func<WriteCommand, WriteResult> Successor() => Successor(out _);

    // A new owner of the same ledger knows nothing but the feed's state.
    private Func<WriteCommand, WriteResult> Successor(out SequencerRig rig)
    {
        rig = _rig.Successor();
        return rig.Write;
    }
}

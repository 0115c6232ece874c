using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.ChaosTests.CheckTests;

public sealed class WriteRulesTests
{
    private readonly PlayedRun _run = new();

    [Fact]
    public void A_run_without_faults_has_no_findings()
    {
        for (var i = 0; i < 40; i++) _run.Write(
            PlayedRun.Key(i % 4, i % 3), i % 7 == 6 ? ChangeOp.Delete : ChangeOp.Put, i % 11 != 10);
        _run.Check(out var counters).ShouldBeEmpty();
        counters["writes"].ShouldBe(40);
    }

    [Fact]
    public void An_acknowledged_write_that_the_ledger_lacks_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        var lost = _run.Next(PlayedRun.Key(1));
        _run.Acknowledge(lost, _run.Invoke(lost));
        Found("R1", "an acknowledged write is not in the ledger", lost);
    }

    [Fact]
    public void An_acknowledged_write_in_whose_place_is_another_is_found()
    {
        var lost = _run.Next(PlayedRun.Key(1));
        _run.Acknowledge(lost, _run.Invoke(lost));
        _run.Write(PlayedRun.Key(2));
        Found("R1", "an acknowledged write is not in the ledger", lost);
    }

    [Fact]
    public void A_fact_with_another_value_than_was_written_is_found()
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.Acknowledge(write, _run.Invoke(write));
        _run.Store(write with { Hash = 5 });
        Found("R1", "a fact has another value than was written", write);
    }

    [Fact]
    public void A_receipt_of_another_value_or_key_is_found()
    {
        var write = _run.Next(PlayedRun.Key(0));
        var attempt = _run.Invoke(write);
        _run.Store(write);
        _run.Acknowledge(write with { Hash = 5, Key = PlayedRun.Key(1) }, attempt);
        Found("R1", "a receipt is of another value", write);
        Found("R1", "a receipt is about another key", write);
    }

    [Fact]
    public void A_refused_write_that_is_in_the_ledger_is_found()
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.Refuse(write, _run.Invoke(write));
        _run.Store(write);
        Found("R1", "a refused write is in the ledger", write);
    }

    [Fact]
    public void A_write_that_was_refused_for_now_and_then_committed_is_right()
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.Refuse(write, _run.Invoke(write), ",\"passing\":true");
        _run.Store(write);
        _run.Acknowledge(write, _run.Invoke(write));
        _run.Check().ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_unknown_outcome_may_be_either(bool isCommitted)
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.NotKnown(write, _run.Invoke(write));
        if (isCommitted) _run.Store(write);
        _run.Check(out var counters).ShouldBeEmpty();
        counters[isCommitted ? "unknown, then committed" : "unknown, never committed"].ShouldBe(1);
    }

    [Fact]
    public void A_write_committed_twice_is_found()
    {
        var write = _run.Write(PlayedRun.Key(0));
        _run.Store(_run.Next(PlayedRun.Key(0)) with { IdempotencyKey = write.IdempotencyKey, Hash = write.Hash });
        Found("R4", "an idempotency key committed twice", write);
    }

    [Fact]
    public void Two_receipts_that_differ_are_found()
    {
        var write = _run.Write(PlayedRun.Key(0));
        _run.Acknowledge(write with { Position = write.Position + 1, Id = Guid.NewGuid() }, _run.Invoke(write),
            ",\"replayed\":true");
        Found("R4", "two receipts of one idempotency key differ", write);
    }

    [Fact]
    public void A_first_receipt_given_again_is_right()
    {
        var write = _run.Write(PlayedRun.Key(0));
        _run.Acknowledge(write, _run.Invoke(write), ",\"replayed\":true");
        _run.Check(out var counters).ShouldBeEmpty();
        counters["answered by a first receipt"].ShouldBe(1);
    }

    [Fact]
    public void A_refusal_after_a_receipt_is_found()
    {
        var write = _run.Write(PlayedRun.Key(0));
        _run.Refuse(write, _run.Invoke(write));
        Found("R4", "a write was refused after its receipt", write);
    }

    [Fact]
    public void Another_value_taken_under_a_used_key_is_found()
    {
        var write = _run.Write(PlayedRun.Key(0));
        var other = _run.Next(PlayedRun.Key(0)) with { IdempotencyKey = write.IdempotencyKey };
        _run.Acknowledge(other, _run.Invoke(other, ",\"reuse\":true"));
        Found("R4", "another value was taken under a used idempotency key", write);
    }

    [Fact]
    public void Another_value_refused_under_a_used_key_is_right()
    {
        var write = _run.Write(PlayedRun.Key(0));
        var other = _run.Next(PlayedRun.Key(0)) with { IdempotencyKey = write.IdempotencyKey };
        _run.Line("client-0", "fail",
            $"\"id\":\"{write.IdempotencyKey}\",\"a\":{_run.Invoke(other, ",\"reuse\":true")},\"code\":\"idempotency-key-reused\",\"why\":\"\"");
        _run.Check(out var counters).ShouldBeEmpty();
        counters["other value under a used key refused"].ShouldBe(1);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData(",\"excused\":\"the history is another\"", 0)]
    [InlineData(",\"passing\":true", 0)]
    public void A_chained_write_refused_for_good_is_found_unless_the_history_changed(string more, int findings)
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.Refuse(write, _run.Invoke(write, ",\"must\":true"), more);
        _run.Check().Count.ShouldBe(findings);
        if (findings > 0) Found("R4", "a write was refused for good that must not be", write);
    }

    [Fact]
    public void A_fact_that_no_client_wrote_is_found()
    {
        var write = _run.Next(PlayedRun.Key(0));
        _run.Store(write);
        Found("R1", "a fact that nobody wrote", write);
    }

    [Fact]
    public void What_a_restore_took_is_reported_and_no_finding()
    {
        for (var i = 0; i < 5; i++) _run.Write(PlayedRun.Key(i));
        _run.Restore(history: 9, upTo: 3);
        _run.Line("feed-0", "reset", $"\"feed\":{_run.Heads.Keys.Single()},\"conn\":1,\"why\":\"other-history\"");
        _run.Write(PlayedRun.Key(7));
        _run.Check(out var counters).ShouldBeEmpty();
        counters["lost by a restore"].ShouldBe(2);
    }

    [Fact]
    public void What_a_restore_took_is_no_finding_before_the_first_receipt_of_the_new_history()
    {
        for (var i = 0; i < 3; i++) _run.Write(PlayedRun.Key(i));
        _run.Restore(history: 9, upTo: 2);
        var first = _run.Next(PlayedRun.Key(5));
        var attempt = _run.Invoke(first);
        _run.Store(first);
        _run.Check().ShouldBeEmpty();
        _run.Acknowledge(first, attempt);
        _run.Check(out var counters).ShouldBeEmpty();
        counters["lost by a restore"].ShouldBe(1);
    }

    [Fact]
    public void A_write_below_the_copy_that_a_restore_lacks_is_found()
    {
        for (var i = 0; i < 3; i++) _run.Write(PlayedRun.Key(i));
        var lost = _run.Next(PlayedRun.Key(3));
        _run.Acknowledge(lost, _run.Invoke(lost));
        _run.Restore(history: 9, upTo: 3);
        // In the lost one's place is the old owner's, not one that was written in the new history.
        var other = _run.Next(PlayedRun.Key(4));
        _run.Store(other);
        _run.NotKnown(other, _run.Invoke(other));
        _run.Line("feed-0", "reset", $"\"feed\":{_run.Heads.Keys.Single()},\"conn\":1,\"why\":\"other-history\"");
        _run.Write(PlayedRun.Key(7));
        Found("R1", "an acknowledged write is not in the ledger", lost);
    }

    private void Found(string invariant, string what, Check.FactRow fact)
    {
        var finding = _run.Check().SingleOrDefault(
            one => one.Invariant == invariant && one.What.StartsWith(what, StringComparison.Ordinal));
        finding.ShouldNotBeNull(
            $"{invariant} {what}; found: {string.Join("; ", _run.Check().Select(one => one.Invariant + " " + one.What))}");
        finding.Facts.ShouldContain(line => line.Contains(fact.IdempotencyKey!, StringComparison.Ordinal));
    }
}

using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.ChaosTests.CheckTests;

public sealed class ReaderRulesTests
{
    private readonly PlayedRun _run = new();

    [Fact]
    public void A_hole_in_a_changefeed_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        Missed(_run.Next(PlayedRun.Key(0)));
        _run.Write(PlayedRun.Key(0));
        Found("R3", "a changefeed left out positions");
    }

    [Fact]
    public void A_hole_between_history_and_live_over_a_reconnect_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Line("feed-0", "closed", $"\"feed\":{first.Feed},\"conn\":1,\"why\":\"\"");
        _run.Line("feed-0", "open",
            $"\"feed\":{first.Feed},\"conn\":2,\"cursor\":\"{first.Feed}-{PlayedRun.History}-{first.Position}\"");
        Missed(_run.Next(PlayedRun.Key(0)));
        _run.Write(PlayedRun.Key(0));
        Found("R3", "a changefeed left out positions");
    }

    [Fact]
    public void A_cursor_that_moves_over_what_was_not_sent_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Line("feed-0", "moved",
            $"\"feed\":{first.Feed},\"conn\":1,\"pos\":{first.Position + 3},\"hist\":{PlayedRun.History}");
        Found("R3", "a cursor moved over positions that were not sent");
    }

    [Fact]
    public void A_changefeed_that_goes_back_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Write(PlayedRun.Key(0));
        _run.Read(first);
        Found("R3", "a changefeed went back");
    }

    [Fact]
    public void A_reset_begins_a_new_run()
    {
        var first = _run.Write(PlayedRun.Key(0));
        Missed(_run.Next(PlayedRun.Key(0)));
        _run.Line("feed-0", "reset", $"\"feed\":{first.Feed},\"conn\":1,\"why\":\"expired\"");
        _run.Write(PlayedRun.Key(0));
        _run.Check(out var counters).ShouldBeEmpty();
        counters["changefeed resets"].ShouldBe(1);
    }

    [Fact]
    public void Another_history_without_a_reset_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        _run.Restore(history: 9, upTo: 1);
        _run.Write(PlayedRun.Key(0));
        Found("R3", "a changefeed went over to another history without a reset");
    }

    [Fact]
    public void A_cursor_that_moves_to_another_history_without_a_reset_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Line("feed-0", "moved", $"\"feed\":{first.Feed},\"conn\":1,\"pos\":{first.Position},\"hist\":9");
        Found("R3", "a changefeed went over to another history without a reset");
    }

    [Fact]
    public void A_reader_that_begins_anew_without_a_reset_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Line("feed-0", "open", $"\"feed\":{first.Feed},\"conn\":2,\"cursor\":\"\"");
        Found("R3", "a reader began anew without a reset");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reader_that_comes_back_after_a_restore_must_be_told_to_begin_anew(bool isTold)
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Restore(history: 9, upTo: 1);
        var lost = _run.Next(PlayedRun.Key(0));
        _run.Store(lost);
        _run.Acknowledge(lost, _run.Invoke(lost));
        _run.Line("feed-0", "open",
            $"\"feed\":{first.Feed},\"conn\":2,\"cursor\":\"{first.Feed}-{PlayedRun.History}-{first.Position}\"");
        if (isTold) _run.Line("feed-0", "reset", $"\"feed\":{first.Feed},\"conn\":2,\"why\":\"other-history\"");
        _run.Check().ShouldBeEmpty();
        _run.Pass(TimeSpan.FromSeconds(6));
        _run.Line("raw", "beat", $"\"feed\":{first.Feed},\"pos\":2,\"hist\":9");
        var broken = _run.Check(out var counters);
        counters["changefeeds told of another history"].ShouldBe(isTold ? 1 : 0);
        if (isTold) broken.ShouldBeEmpty();
        else Found("R12", "a changefeed did not tell a reader of an old history to begin anew");
    }

    [Fact]
    public void A_reader_that_does_not_come_back_after_a_restore_need_not_be_told()
    {
        _run.Write(PlayedRun.Key(0));
        _run.Restore(history: 9, upTo: 1);
        _run.Pass(TimeSpan.FromSeconds(60));
        var next = _run.Next(PlayedRun.Key(0));
        _run.Store(next);
        _run.Acknowledge(next, _run.Invoke(next));
        _run.Check().ShouldBeEmpty();
    }

    [Fact]
    public void A_sequence_that_goes_back_is_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Write(PlayedRun.Key(0));
        _run.Hold(first, "list");
        Found("R5", "a sequence went back");
    }

    [Fact]
    public void A_sequence_that_goes_back_after_a_new_start_of_the_reader_is_right()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Write(PlayedRun.Key(0));
        _run.Line("replica-0", "start");
        _run.Hold(first);
        _run.Check().ShouldBeEmpty();
    }

    [Fact]
    public void Two_values_of_one_sequence_are_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Hold(first with { Hash = 5 }, "key");
        Found("R5", "one sequence had two values");
        Found("R5", "two values were shown for one sequence");
    }

    [Fact]
    public void A_value_that_fails_a_gate_is_found()
    {
        _run.Hold(_run.Write(PlayedRun.Key(0), passes: false));
        Found("R5", "a reader was shown a value that fails a gate");
    }

    [Fact]
    public void A_value_of_a_new_major_is_found_with_an_old_reader_and_right_with_a_new_one()
    {
        _run.Line("replica-1", "open", "\"major\":2");
        var next = _run.Write(PlayedRun.Key(0), major: 2);
        _run.Hold(next, file: "replica-1");
        _run.Check().ShouldBeEmpty();
        _run.Hold(next, file: "replica-0");
        Found("R5", "a reader was shown a value that fails a gate");
    }

    [Fact]
    public void A_value_of_a_new_major_is_found_when_a_reader_is_rolled_back()
    {
        _run.Line("replica-1", "open", "\"major\":2");
        var next = _run.Write(PlayedRun.Key(0), major: 2);
        _run.Hold(next, file: "replica-1");
        _run.Line("replica-1", "start");
        _run.Line("replica-1", "open", "\"major\":1");
        _run.Check().ShouldBeEmpty();
        _run.Hold(next, "list", "replica-1");
        Found("R5", "a reader was shown a value that fails a gate");
    }

    [Fact]
    public void A_value_that_was_never_committed_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        _run.Hold(_run.Next(PlayedRun.Key(0)));
        Found("R5", "a reader was shown a value that is no fact");
    }

    [Fact]
    public void A_mix_of_two_histories_is_found()
    {
        var old = _run.Write(PlayedRun.Key(0));
        _run.Restore(history: 9, upTo: 1);
        _run.Hold(old, "key");
        _run.Line("replica-0", "held",
            $"\"r\":\"key\",\"v\":\"{old.Key.Vault}\",\"c\":\"{old.Key.Collection}\",\"k\":\"{old.Key.Key}\",\"feed\":{old.Feed},\"pos\":1,"
            + $"\"hist\":{PlayedRun.History},\"seq\":1,\"h\":\"{old.Hash:x16}\"");
        Found("R5", "a reader was shown an old history after a new one");
    }

    [Fact]
    public void A_stream_that_shows_what_is_no_fact_is_found()
    {
        var next = _run.Next(PlayedRun.Key(0));
        _run.Line("sse-0", "put", $"\"v\":\"{next.Key.Vault}\",\"c\":\"{next.Key.Collection}\",\"k\":\"{next.Key.Key}\","
            + $"\"feed\":{next.Feed},\"pos\":1,\"hist\":{PlayedRun.History},\"seq\":1,\"h\":\"{next.Hash:x16}\"");
        Found("R5", "a reader was shown a value that is no fact");
    }

    [Fact]
    public void A_fact_that_was_never_published_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        _run.Pass(TimeSpan.FromSeconds(1));
        Missed(_run.Next(PlayedRun.Key(0)), isRead: true);
        _run.Write(PlayedRun.Key(0));
        Found("R1", "committed facts were never published");
    }

    [Fact]
    public void A_fact_that_was_lost_with_the_connection_is_right()
    {
        _run.Write(PlayedRun.Key(0));
        _run.Line("raw", "gap", "\"why\":\"Reconnected\"");
        Missed(_run.Next(PlayedRun.Key(0)), isRead: true);
        _run.Write(PlayedRun.Key(0));
        _run.Check(out var counters).ShouldBeEmpty();
        counters["published unseen by the raw subscriber"].ShouldBe(1);
    }

    [Fact]
    public void Two_facts_at_one_position_are_found()
    {
        var first = _run.Write(PlayedRun.Key(0));
        _run.Publish(first with { Id = Guid.NewGuid() });
        Found("R2", "two facts were seen at one position");
    }

    [Fact]
    public void A_fact_that_was_shown_and_is_not_in_the_ledger_is_found()
    {
        var next = _run.Next(PlayedRun.Key(0));
        _run.Publish(next);
        Found("R2", "a fact was shown that the ledger does not have there");
    }

    [Fact]
    public void A_process_above_its_bound_is_found()
    {
        _run.Line("memory", "rss", "\"name\":\"writer-1\",\"kb\":200000");
        _run.Check().ShouldBeEmpty();
        _run.Line("memory", "rss", "\"name\":\"writer-1\",\"kb\":900000");
        Found("R12", "a process held more memory than its bound");
    }

    private void Missed(Check.FactRow fact, bool isRead = false)
    {
        _run.Store(fact);
        _run.Acknowledge(fact, _run.Invoke(fact));
        if (isRead) _run.Read(fact);
        else _run.Publish(fact);
    }

    private void Found(string invariant, string what) => _run.Check()
        .ShouldContain(one =>
            one.Invariant == invariant && one.What.StartsWith(what, StringComparison.Ordinal) && one.Facts.Count > 0);
}

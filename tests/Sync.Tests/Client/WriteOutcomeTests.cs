using System.Net;
using System.Net.Sockets;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Xunit;
using static Sync.Tests.Client.ScriptedWriter;

namespace Sync.Tests.Client;

/// <summary>Which of the three outcomes a write gets when requests fail.</summary>
public sealed class WriteOutcomeTests
{
    private static readonly SyncClientOptions TwoWriters = Options with { Writers = ["http://one:1", "http://two:2"] };
    private readonly PauseClock _clock = new();
    private readonly ScriptedWriter _writer = new();

    [Fact]
    public async Task A_lost_answer_is_repeated_with_the_same_idempotency_key_at_the_next_writer()
    {
        await using var client = _writer.Client(_clock, TwoWriters);
        var write = client.WriteAsync(Put("a"));
        var lost = await _writer.NextAsync();
        lost.Lose(new HttpRequestException(HttpRequestError.ResponseEnded, "gone"));
        await _clock.PassPauseAsync();

        var call = await _writer.NextAsync();
        (lost.Authority, call.Authority).ShouldBe(("one:1", "two:2"));
        call.IdempotencyKeys.ShouldBe(lost.IdempotencyKeys);
        call.Answer(call.Receipt(0, replayed: true));
        (await write).ShouldBeOfType<WriteResult.Committed>().Replayed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_connection_that_is_reset_in_the_moment_it_stands_is_a_lost_answer_like_any_other()
    {
        await using var client = _writer.Client(_clock, TwoWriters);
        var write = client.WriteAsync(Put("a"));
        (await _writer.NextAsync()).Lose(new SocketException((int)SocketError.NotConnected));
        await _clock.PassPauseAsync();

        var call = await _writer.NextAsync();
        call.Authority.ShouldBe("two:2");
        call.Commit();
        (await write).ShouldBeOfType<WriteResult.Committed>();
    }

    [Fact]
    public async Task A_writer_that_refuses_connections_is_left_for_the_next_and_stays_left()
    {
        _writer.TakeDown("one:1");
        await using var client = _writer.Client(_clock, TwoWriters);
        var write = client.WriteAsync(Put("a"));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Commit();
        await write;

        var second = client.WriteAsync(Put("b"));
        var call = await _writer.NextAsync();
        call.Authority.ShouldBe("two:2");
        call.Commit();
        (await second).ShouldBeOfType<WriteResult.Committed>();
    }

    [Fact]
    public async Task A_write_that_reached_no_writer_before_its_deadline_is_refused()
    {
        _writer.TakeDown("one:1");
        await using var client = _writer.Client(_clock, Options with { WriteTimeout = TimeSpan.FromMilliseconds(500) });
        var write = client.WriteAsync(Put("a"));
        while (!write.IsCompleted) await Task.WhenAny(write, _clock.PassPauseAsync());

        var refusal = (await write).ShouldBeOfType<WriteResult.Refused>().Refusal;
        refusal.Code.ShouldBe(RefusalCode.NoOwner);
        refusal.Detail.ShouldBe("the write timed out: Connection refused");
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_unknown_at_its_deadline_whatever_came_after()
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a") with { IdempotencyKey = "k1" });
        (await _writer.NextAsync()).Lose(new IOException("reset"));
        await _clock.PassPauseAsync();
        var call = await _writer.NextAsync();
        _clock.Advance(Options.WriteTimeout);
        call.Answer(Call.Problem("no-owner", 503, "nobody owns it"));
        await _clock.PassPauseAsync();

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>().Reason
            .ShouldBe("the write timed out: nobody owns it; repeat with idempotency key k1 to find out");
    }

    [Theory]
    [InlineData("no-live-record", 404, null)]
    [InlineData("live-record-exists", 412, null)]
    [InlineData("expected-sequence-differs", 412, 4L)]
    [InlineData("expected-sequence-differs", 412, null)]
    [InlineData("too-large", 413, null)]
    [InlineData("data-error", 422, null)]
    [InlineData("not-heard-of", 422, null)]
    public async Task A_refused_repeat_does_not_deny_the_attempt_that_was_lost_and_may_come_late(string code, int status, long? last)
    {
        await using var client = _writer.Client(_clock, TwoWriters);
        var write = client.WriteAsync(Put("a") with { IdempotencyKey = "k1", Expected = new Sequence(5) });
        (await _writer.NextAsync()).Lose(new IOException("reset"));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Answer(Call.Problem(code, status, "for now", last));

        var reason = (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>().Reason;
        reason.ShouldContain("An earlier attempt was not answered and may still commit");
        reason.ShouldContain("for now");
        reason.ShouldEndWith("repeat with idempotency key k1 to find out");
    }

    [Theory]
    [InlineData("expected-sequence-differs", 412, 6L)]
    [InlineData("no-live-record", 404, 5L)]
    [InlineData("wrong-shape", 409, null)]
    [InlineData("invalid-value", 422, null)]
    public async Task A_repeat_that_is_refused_as_the_lost_attempt_would_be_is_refused(string code, int status, long? last)
    {
        await using var client = _writer.Client(_clock, TwoWriters);
        var write = client.WriteAsync(Put("a") with { Expected = new Sequence(5) });
        (await _writer.NextAsync()).Lose(new IOException("reset"));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Answer(Call.Problem(code, status, "for good", last));

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Refused>().Refusal.Detail.ShouldBe("for good");
    }

    [Fact]
    public async Task A_repeat_that_is_refused_as_a_whole_request_does_not_deny_the_attempt_that_was_lost()
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        (await _writer.NextAsync()).Answer(Call.Problem("unknown-outcome", 503, "lost behind the writer"));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Answer(HttpStatusCode.Unauthorized, Call.Problem("token-invalid", 401, "expired"));

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>().Reason.ShouldContain("expired");
    }

    [Fact]
    public async Task A_writer_that_says_nothing_for_the_time_of_a_request_is_given_up()
    {
        var limit = TimeSpan.FromMinutes(1);
        await using var client = _writer.Client(_clock, TwoWriters with { RequestTimeout = limit });
        var write = client.WriteAsync(Put("a"));
        await _writer.NextAsync();
        _clock.Advance(limit);
        await _clock.PassPauseAsync();

        var call = await _writer.NextAsync();
        call.Authority.ShouldBe("two:2");
        call.Commit();
        (await write).ShouldBeOfType<WriteResult.Committed>();
    }

    [Theory]
    [InlineData("this is no JSON")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"factId":"01890000-0000-7000-8000-000000000001"}""")]
    [InlineData("""{"factId":"no id"}""")]
    [InlineData("""{"valueHash":"aabb"}""")]
    [InlineData("""{"type":"urn:sync:problem:no-owner"} {"more":1}""")]
    [InlineData("""{"type":"urn:sync:problem:unknown-outcome","status":503,"detail":"lost"}""")]
    [InlineData("""{"type":"urn:sync:problem:not-heard-of","status":503,"detail":"lost"}""")]
    public async Task An_answer_that_does_not_tell_leaves_the_outcome_unknown_and_the_write_is_repeated(string answer)
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        var call = await _writer.NextAsync();
        _clock.Advance(Options.WriteTimeout);
        call.Answer(answer);
        await _clock.PassPauseAsync();

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>();
    }

    [Fact]
    public async Task A_receipt_of_another_key_is_not_taken()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        Task<WriteResult>[] writes = [client.WriteAsync(Put("a")), client.WriteAsync(Put("b"))];
        call.Commit();
        call = await _writer.NextAsync();
        call.Answer(call.Receipt(1), call.Receipt(0));
        await _clock.PassPauseAsync();
        (await _writer.NextAsync()).Commit();

        var keys = (await Task.WhenAll(writes)).Select(result => result.ShouldBeOfType<WriteResult.Committed>().Receipt.Key.Key);
        keys.ShouldBe(["a", "b"]);
        await first;
    }

    [Fact]
    public async Task An_answer_that_ends_early_keeps_what_it_told_and_repeats_the_rest()
    {
        await using var client = _writer.Client(_clock);
        var first = client.WriteAsync(Put("first"));
        var call = await _writer.NextAsync();
        Task<WriteResult>[] writes = [.. "abc".Select(key => client.WriteAsync(Put(key.ToString())))];
        call.Commit();
        call = await _writer.NextAsync();
        call.Answer(call.Receipt(0));
        (await writes[0]).ShouldBeOfType<WriteResult.Committed>();
        await _clock.PassPauseAsync();
        call = await _writer.NextAsync();
        call.Keys.ShouldBe(["b", "c"]);
        call.Commit();
        (await Task.WhenAll(writes)).ShouldAllBe(result => result is WriteResult.Committed);
        await first;
    }

    [Fact]
    public async Task An_answer_line_without_end_is_cut_off()
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        var call = await _writer.NextAsync();
        _clock.Advance(Options.WriteTimeout);
        call.Answer(HttpStatusCode.OK, new string(' ', 5 << 20));
        await _clock.PassPauseAsync();

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>().Reason.ShouldContain("an answer line has more than");
    }

    [Theory]
    [InlineData(413, "too-large", RefusalCode.TooLarge)]
    [InlineData(415, "unsupported-media-type", RefusalCode.MalformedRequest)]
    public async Task A_request_refused_as_a_whole_refuses_its_writes(int status, string code, RefusalCode expected)
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        (await _writer.NextAsync()).Answer((HttpStatusCode)status, Call.Problem(code, status, "why"));

        (await write.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Refused>().Refusal.ShouldBe(new Refusal(expected, "why"));
    }

    [Theory]
    [InlineData(503, true, false)]
    [InlineData(502, false, true)]
    [InlineData(500, false, true)]
    [InlineData(429, false, true)]
    public async Task Only_a_problem_of_the_writers_own_says_that_nothing_of_the_request_was_committed(int status, bool ours, bool unknown)
    {
        await using var client = _writer.Client(_clock);
        var write = client.WriteAsync(Put("a"));
        var call = await _writer.NextAsync();
        _clock.Advance(Options.WriteTimeout);
        call.Answer((HttpStatusCode)status, ours ? Call.Problem("shutting-down", 503) : "<html>bad gateway</html>");
        await _clock.PassPauseAsync();

        (await write.WaitAsync(WaitMax) is WriteResult.Unknown).ShouldBe(unknown);
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once_and_has_room_again_when_a_write_ended()
    {
        await using var client = _writer.Client(_clock, Options with { QueuedWritesMax = 1 });
        var write = client.WriteAsync(Put("a"));
        (await client.WriteAsync(Put("b"))).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.Overloaded);
        (await _writer.NextAsync()).Commit();
        await write;

        var next = client.WriteAsync(Put("b"));
        (await _writer.NextAsync()).Commit();
        (await next).ShouldBeOfType<WriteResult.Committed>();
    }

    [Fact]
    public async Task A_cancelled_write_that_waits_is_taken_out_and_one_that_was_sent_is_not()
    {
        await using var client = _writer.Client(_clock);
        using var cancel = new CancellationTokenSource();
        var sent = client.WriteAsync(Put("a"), cancel.Token);
        var call = await _writer.NextAsync();
        var waiting = client.WriteAsync(Put("a", 2), cancel.Token);
        var other = client.WriteAsync(Put("a", 3));
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sent);
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        client.QueuedWrites.ShouldBe(2);
        call.Commit();

        call = await _writer.NextAsync();
        ((string)call.Lines.ShouldHaveSingleItem()["value_msgpack"]!).ShouldBe(Convert.ToBase64String([3]));
        call.Commit();
        (await other).ShouldBeOfType<WriteResult.Committed>();
        client.QueuedWrites.ShouldBe(0);
    }

    [Fact]
    public async Task A_write_with_a_cancelled_token_is_never_taken_in()
    {
        await using var client = _writer.Client(_clock);
        await Should.ThrowAsync<OperationCanceledException>(client.WriteAsync(Put("a"), new CancellationToken(true)));
        client.QueuedWrites.ShouldBe(0);
        _writer.IsQuiet.ShouldBeTrue();
    }

    [Fact]
    public async Task A_disposed_client_leaves_unknown_what_was_sent_and_refuses_what_was_not()
    {
        var client = _writer.Client(_clock);
        var sent = client.WriteAsync(Put("a"));
        await _writer.NextAsync();
        var waiting = client.WriteAsync(Put("b"));
        await client.DisposeAsync();

        (await sent.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Unknown>();
        (await waiting.WaitAsync(WaitMax)).ShouldBeOfType<WriteResult.Refused>();
        await Should.ThrowAsync<ObjectDisposedException>(() => client.WriteAsync(Put("c")));
        await client.DisposeAsync();
    }

    [Fact]
    public async Task Wrong_names_never_leave_the_process()
    {
        await using var client = _writer.Client(_clock);
        (await client.WriteAsync(Put("a\r\nb"))).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.InvalidName);
        _writer.IsQuiet.ShouldBeTrue();
    }
}

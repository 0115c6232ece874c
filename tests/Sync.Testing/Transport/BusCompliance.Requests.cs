using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.Transport;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>Questions and answers.</summary>
public abstract partial class BusCompliance
{
    private static readonly ServeOptions Serving = new();

    [Fact]
    public async Task A_request_gets_its_answer()
    {
        await using var rig = await StartAsync();
        await rig.Far.ServeAsync("echo.*", "g", Echo, Serving);
        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(async number =>
        {
            var headers = BusHeaders.Of("n", number.ToString());
            return Text(await rig.Near.RequestAsync($"echo.{number}", Bytes("q" + number), headers, Recorder.Timeout));
        }));
        answers.ShouldBe(Enumerable.Range(0, 500).Select(number => $"echo.{number} q{number} {number}"));
    }

    [Fact]
    public async Task An_error_travels_with_code_text_and_payload()
    {
        await using var rig = await StartAsync();
        await rig.Far.ServeAsync(
            "err", "g", (_, _) => ValueTask.FromResult(BusReply.Failed(412, "stale\r\nX: y", Bytes("current"))), Serving);
        var reply = await rig.Near.RequestAsync("err", default, null, Recorder.Timeout);
        reply.IsError.ShouldBeTrue();
        reply.ErrorCode.ShouldBe(412);
        reply.ErrorText.ShouldBe("stale  X: y");
        Text(reply).ShouldBe("current");
    }

    [Fact]
    public async Task A_handler_that_throws_answers_500_without_the_exceptions_text()
    {
        await using var rig = await StartAsync();
        await rig.Far.ServeAsync("boom", "g", (_, _) => throw new InvalidOperationException("secret-canary"), Serving);
        var reply = await rig.Near.RequestAsync("boom", default, null, Recorder.Timeout);
        reply.ErrorCode.ShouldBe(500);
        reply.ErrorText!.ShouldNotContain("canary");
    }

    [Fact]
    public async Task A_request_that_nobody_serves_fails_at_once()
    {
        await using var rig = await StartAsync();
        var error = await Should.ThrowAsync<SyncException>(
            async () => await rig.Near.RequestAsync("nobody", default, null, TimeSpan.FromMinutes(10)));
        error.Code.ShouldBe(SyncErrorCode.NoResponder);
        error.IsTransient.ShouldBeTrue();
    }

    [Fact]
    public async Task A_request_that_is_not_answered_in_time_says_so()
    {
        await using var rig = await StartAsync();
        await rig.Far.SubscribeAsync("silent", new BusRecorder());
        var error = await Should.ThrowAsync<SyncException>(
            async () => await rig.Near.RequestAsync("silent", default, null, TimeSpan.FromMilliseconds(100)));
        error.Code.ShouldBe(SyncErrorCode.NoAnswer);
        error.IsTransient.ShouldBeTrue();
    }

    [Fact]
    public async Task A_request_can_be_given_up()
    {
        await using var rig = await StartAsync();
        using var giveUp = new CancellationTokenSource();
        var asked = new BusRecorder(_ => giveUp.Cancel());
        await rig.Far.SubscribeAsync("silent", asked);
        await Should.ThrowAsync<OperationCanceledException>(
            async () => await rig.Near.RequestAsync("silent", default, null, Recorder.Timeout, giveUp.Token));
    }

    [Fact]
    public async Task Beyond_concurrency_and_queue_a_request_is_answered_overloaded()
    {
        await using var rig = await StartAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int now = 0, most = 0;
        async ValueTask<BusReply> Slow(BusRequest request, CancellationToken cancellation)
        {
            var inside = Interlocked.Increment(ref now);
            for (var seen = most; inside > seen && Interlocked.CompareExchange(ref most, inside, seen) != seen; seen = most)
            {
            }
            if (inside == 2) busy.TrySetResult();
            await release.Task;
            Interlocked.Decrement(ref now);
            return BusReply.Of(request.Payload);
        }
        await rig.Far.ServeAsync("slow", "g", Slow, new ServeOptions { ConcurrencyMax = 2, QueueRequestsMax = 3 });
        Task<BusReply> Ask() => rig.Near.RequestAsync("slow", Bytes("x"), null, TimeSpan.FromMinutes(1)).AsTask();
        List<Task<BusReply>> requests = [Ask(), Ask()];
        await busy.Task.WaitAsync(Recorder.Timeout);
        // Two are handled, three of the next wait, and the rest is refused while those go nowhere.
        requests.AddRange(Enumerable.Range(0, 18).Select(_ => Ask()));
        for (var refused = 0; refused < 15; refused++)
        {
            var answered = await Task.WhenAny(requests).WaitAsync(Recorder.Timeout);
            (await answered).ErrorCode.ShouldBe(503);
            (await answered).ErrorText.ShouldBe("overloaded");
            requests.Remove(answered);
        }
        release.SetResult();
        foreach (var request in requests) (await request).IsError.ShouldBeFalse();
        most.ShouldBe(2);
    }

    [Fact]
    public async Task Requests_are_bounded_in_bytes_too()
    {
        await using var rig = await StartAsync();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await rig.Far.ServeAsync(
            "slow", "g",
            async (_, _) =>
            {
                await release.Task;
                return BusReply.Of(default);
            },
            new ServeOptions { QueueBytesMax = 64 * 1024 });
        var fits = rig.Near.RequestAsync("slow", new byte[40 * 1024], null, TimeSpan.FromMinutes(1)).AsTask();
        await rig.Near.FlushAsync();
        (await rig.Near.RequestAsync("slow", new byte[40 * 1024], null, TimeSpan.FromMinutes(1))).ErrorCode.ShouldBe(503);
        release.SetResult();
        (await fits).IsError.ShouldBeFalse();
        // What was answered counts no more.
        (await rig.Near.RequestAsync("slow", new byte[40 * 1024], null, TimeSpan.FromMinutes(1))).IsError.ShouldBeFalse();
    }

    [Theory]
    [InlineData("synced.acme._.user.2")]
    [InlineData("sync.put.other._.x.1")]
    [InlineData("_INBOXES.mine")]
    [InlineData("_INBOX")]
    public async Task A_responder_answers_only_under_the_inbox_prefix(string replyTo)
    {
        await using var rig = await StartAsync();
        using var refused = new MetricCount("Sync.Transport", "sync.transport.replies_refused");
        var victim = new BusRecorder();
        var handled = 0;
        await rig.Near.SubscribeAsync(replyTo, victim);
        await rig.Far.ServeAsync("sync.get.*.*.*.*", "g", (request, _) =>
        {
            Interlocked.Increment(ref handled);
            return ValueTask.FromResult(BusReply.Of(request.Payload));
        }, Serving);
        await rig.PublishWithReplyAsync("sync.get.acme._.user.1", replyTo, Bytes("attack"));
        // An honest request behind it, so that the hostile one has been seen.
        (await rig.Near.RequestAsync("sync.get.acme._.user.1", Bytes("fine"), null, Recorder.Timeout)).IsError.ShouldBeFalse();
        await rig.Far.FlushAsync();
        await rig.Near.FlushAsync();
        victim.Messages.ShouldBeEmpty();
        handled.ShouldBe(1);
        refused.Value.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task Stopping_a_responder_finishes_what_it_took_and_takes_no_more()
    {
        await using var rig = await StartAsync();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var responder = await rig.Far.ServeAsync("work", "g", async (_, _) =>
        {
            entered.TrySetResult();
            await release.Task;
            return BusReply.Of(Bytes("done"));
        }, new ServeOptions { DrainTimeout = TimeSpan.FromMinutes(1) });
        var request = rig.Near.RequestAsync("work", default, null, Recorder.Timeout);
        await entered.Task.WaitAsync(Recorder.Timeout);
        var stopping = responder.DisposeAsync().AsTask();
        release.SetResult();
        Text(await request).ShouldBe("done");
        await stopping.WaitAsync(Recorder.Timeout);
        await responder.DisposeAsync();
        await rig.Far.FlushAsync();
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.RequestAsync("work", default, null, Recorder.Timeout)))
            .Code.ShouldBe(SyncErrorCode.NoResponder);
    }

    [Fact]
    public async Task An_answer_larger_than_the_bus_carries_becomes_an_error()
    {
        await using var rig = await StartAsync();
        await rig.Far.ServeAsync("huge", "g", (_, _) => ValueTask.FromResult(BusReply.Of(new byte[rig.Far.MaxPayload + 1])), Serving);
        (await rig.Near.RequestAsync("huge", default, null, Recorder.Timeout)).ErrorCode.ShouldBe(500);
    }

    private static ValueTask<BusReply> Echo(BusRequest request, CancellationToken cancellation) =>
        ValueTask.FromResult(BusReply.Of(Bytes(
            $"{request.Subject} {Encoding.UTF8.GetString(request.Payload.Span)} {request.Headers?["n"]}")));

    private static string Text(BusReply reply) => Encoding.UTF8.GetString(reply.Payload.Span);
}

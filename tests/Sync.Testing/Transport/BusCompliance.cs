using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.Transport;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>What every <see cref="IBus"/> does alike: carrying messages.</summary>
public abstract partial class BusCompliance
{
    protected abstract ValueTask<BusRig> StartAsync();

    [Fact]
    public async Task A_message_reaches_every_subscriber_with_subject_payload_and_headers()
    {
        await using var rig = await StartAsync();
        BusRecorder near = new(), far = new();
        await rig.Near.SubscribeAsync("a.b", near);
        await rig.Far.SubscribeAsync("a.b", far);
        await rig.Near.PublishAsync("a.b", Bytes("hé"), BusHeaders.Of("k", "v").With("traceparent", "ü"));
        await rig.Near.PublishAsync("a.b", default);
        await near.CountAsync(2);
        await far.CountAsync(2);
        near.Messages[0].Subject.ShouldBe("a.b");
        near.Texts.ShouldBe(["hé", ""]);
        far.Messages[0].Headers!["k"].ShouldBe("v");
        far.Messages[0].Headers!["traceparent"].ShouldBe("ü");
        far.Messages[0].ReplyTo.ShouldBe("");
        far.Messages[1].Headers.ShouldBeNull();
    }

    [Theory]
    [InlineData("a.*.c", "a.b.c", "a.x.d a.b a.b.c.d b.b.c")]
    [InlineData("a.>", "a.b.c.d", "a b.a")]
    [InlineData(">", "z", "")]
    [InlineData("*.b", "a.b", "a.c b a.b.c")]
    [InlineData("synced.pypi.*.advisory.*", "synced.pypi.flask.advisory.1", "synced.pypi.flask.file.1 synced.npm.x.advisory.1")]
    public async Task Wildcards_follow_whole_tokens(string filter, string match, string others)
    {
        await using var rig = await StartAsync();
        var recorder = new BusRecorder();
        await rig.Far.SubscribeAsync(filter, recorder);
        foreach (var other in others.Split(' ', StringSplitOptions.RemoveEmptyEntries)) await rig.Near.PublishAsync(other, default);
        await rig.Near.PublishAsync(match, default);
        await recorder.CountAsync(1);
        recorder.Messages.Select(message => message.Subject).ShouldBe([match]);
    }

    [Fact]
    public async Task Order_of_one_publisher_is_kept()
    {
        await using var rig = await StartAsync();
        var recorder = new BusRecorder();
        await rig.Far.SubscribeAsync("o.*", recorder);
        for (var number = 0; number < 5000; number++) await rig.Near.PublishAsync($"o.{number % 7}", Bytes(number.ToString()));
        await recorder.CountAsync(5000);
        recorder.Texts.ShouldBe(Enumerable.Range(0, 5000).Select(number => number.ToString()));
    }

    [Fact]
    public async Task Each_message_goes_to_one_member_of_a_queue_group_and_to_everyone_else()
    {
        await using var rig = await StartAsync();
        BusRecorder one = new(), two = new(), all = new();
        await rig.Near.SubscribeAsync("q", one, "group");
        await rig.Near.SubscribeAsync("q", two, "group");
        await rig.Near.SubscribeAsync("q", all);
        for (var number = 0; number < 200; number++) await rig.Far.PublishAsync("q", Bytes(number.ToString()));
        await all.CountAsync(200);
        await rig.Far.FlushAsync();
        await rig.Near.FlushAsync();
        one.Texts.Concat(two.Texts).ShouldBe(all.Texts, ignoreOrder: true);
        one.Texts.ShouldNotBeEmpty();
        two.Texts.ShouldNotBeEmpty();
    }

    [Fact]
    public async Task A_message_published_before_the_subscription_is_not_delivered()
    {
        await using var rig = await StartAsync();
        await rig.Near.PublishAsync("late", Bytes("1"));
        await rig.Near.FlushAsync();
        var recorder = new BusRecorder();
        await rig.Far.SubscribeAsync("late", recorder);
        await rig.Near.PublishAsync("late", Bytes("2"));
        await recorder.CountAsync(1);
        recorder.Texts.ShouldBe(["2"]);
    }

    [Fact]
    public async Task Nothing_arrives_after_dispose_which_is_idempotent()
    {
        await using var rig = await StartAsync();
        BusRecorder gone = new(), fence = new();
        var subscription = await rig.Near.SubscribeAsync("d", gone);
        await rig.Near.SubscribeAsync("d", fence);
        await rig.Far.PublishAsync("d", Bytes("1"));
        await gone.CountAsync(1);
        await subscription.DisposeAsync();
        await subscription.DisposeAsync();
        await rig.Far.PublishAsync("d", Bytes("2"));
        await rig.Far.PublishAsync("d", Bytes("3"));
        await fence.CountAsync(3);
        gone.Texts.ShouldBe(["1"]);
    }

    [Fact]
    public async Task A_receiver_that_throws_stops_neither_itself_nor_others()
    {
        await using var rig = await StartAsync();
        using var errors = new MetricCount("Sync.Transport", "sync.transport.handler_errors");
        BusRecorder throwing = new(_ => throw new InvalidOperationException("planned")), other = new();
        await rig.Near.SubscribeAsync("t", throwing);
        await rig.Near.SubscribeAsync("t", other);
        await rig.Near.PublishAsync("t", Bytes("1"));
        await rig.Near.PublishAsync("t", Bytes("2"));
        await other.CountAsync(2);
        await throwing.CountAsync(2);
        errors.Value.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a.")]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\r\nPUB b 0\r\n\r\n")]
    [InlineData("a\0")]
    [InlineData("a\u007f")]
    [InlineData("a.é")]
    [InlineData("a.*")]
    [InlineData("a.>")]
    [InlineData("a*")]
    public async Task A_subject_that_could_become_another_message_is_refused(string subject)
    {
        await using var rig = await StartAsync();
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.PublishAsync(subject, Bytes("x"))))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(
            async () => await rig.Near.RequestAsync(subject, Bytes("x"), null, Recorder.Timeout))).Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a\r\nSUB > 9")]
    [InlineData("a.>.b")]
    public async Task A_filter_against_the_rules_is_refused(string filter)
    {
        await using var rig = await StartAsync();
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.SubscribeAsync(filter, new BusRecorder())))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.SubscribeAsync("a", new BusRecorder(), "g h")))
            .Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Fact]
    public async Task A_message_may_be_as_large_as_the_bus_says_and_no_larger()
    {
        await using var rig = await StartAsync();
        var recorder = new BusRecorder();
        await rig.Far.SubscribeAsync("big", recorder);
        (await Should.ThrowAsync<SyncException>(
            async () => await rig.Near.PublishAsync("big", new byte[rig.Near.MaxPayload + 1]))).Code.ShouldBe(SyncErrorCode.Invalid);
        var headers = BusHeaders.Of("k", "v");
        (await Should.ThrowAsync<SyncException>(
            async () => await rig.Near.PublishAsync("big", new byte[rig.Near.MaxPayload - headers.WireSize + 1], headers)))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        await rig.Near.PublishAsync("big", new byte[rig.Near.MaxPayload]);
        await rig.Near.PublishAsync("big", new byte[rig.Near.MaxPayload - headers.WireSize], headers);
        await recorder.CountAsync(2);
        rig.Near.IsConnected.ShouldBeTrue();
    }

    [Fact]
    public async Task Flush_leaves_nothing_behind()
    {
        await using var rig = await StartAsync();
        var epoch = rig.Near.ConnectionEpoch;
        var recorder = new BusRecorder();
        await rig.Near.SubscribeAsync("f", recorder);
        for (var number = 0; number < 1000; number++) await rig.Near.PublishAsync("f", default);
        await rig.Near.FlushAsync();
        recorder.Messages.Count.ShouldBe(1000);
        rig.Near.ConnectionEpoch.ShouldBe(epoch);
    }

    [Fact]
    public async Task A_disposed_bus_refuses_everything()
    {
        await using var rig = await StartAsync();
        await rig.Near.DisposeAsync();
        await rig.Near.DisposeAsync();
        rig.Near.IsConnected.ShouldBeFalse();
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.PublishAsync("a", default))).Code.ShouldBe(SyncErrorCode.Stopped);
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.FlushAsync())).Code.ShouldBe(SyncErrorCode.Stopped);
        (await Should.ThrowAsync<SyncException>(async () => await rig.Near.SubscribeAsync("a", new BusRecorder())))
            .Code.ShouldBe(SyncErrorCode.Stopped);
    }

    protected static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

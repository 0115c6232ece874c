using System.Text;
using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Transport;

/// <summary>What only a bus with a connection can show, with the bus in the test's hand.</summary>
public sealed class NatsTransportTests
{
    private readonly FakeBus _bus = new();
    private readonly PlainCodec _codec = new();

    [Fact]
    public async Task A_message_is_decoded_once_however_many_listen()
    {
        await using var transport = Start();
        var handlers = Enumerable.Range(0, 100).Select(_ => new Recorder()).ToArray();
        foreach (var handler in handlers) await transport.SubscribeAsync(Sample.Key, handler);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        foreach (var handler in handlers) await handler.CountAsync(1);
        _codec.Decoded.ShouldBe(1);
        _bus.Subscribes.ShouldBe(1);
    }

    [Fact]
    public async Task A_reconnect_is_told_to_every_handler_in_its_place()
    {
        await using var transport = Start();
        Recorder one = new(), two = new(), pattern = new(), beats = new();
        await transport.SubscribeAsync(Sample.Key, one);
        await transport.SubscribeAsync(Sample.Key, two);
        await transport.SubscribeAsync(SyncedPattern.OfVault("acme"), pattern);
        await transport.SubscribeBeatsAsync(beats);
        var epoch = transport.ConnectionEpoch;
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await transport.FlushAsync();
        _bus.Reconnect();
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 2));
        foreach (var handler in new[] { one, two, pattern })
        {
            await handler.CountAsync(3);
            handler.Events[1].ShouldBe(Disruption.Reconnected);
            handler.Sequences.ShouldBe([1, 2]);
        }
        await beats.UntilAsync(events => events.Contains(Disruption.Reconnected));
        transport.ConnectionEpoch.ShouldBe(epoch + 1);
    }

    [Fact]
    public async Task Who_joins_while_the_bus_is_away_is_told_when_it_is_back()
    {
        await using var transport = Start();
        Recorder first = new(), second = new();
        await transport.SubscribeAsync(Sample.Key, first);
        _bus.Failure = new SyncException(SyncErrorCode.BusUnavailable, "planned", true);
        await transport.SubscribeAsync(Sample.Key, second);
        _bus.Failure = null;
        _bus.Reconnect();
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await second.CountAsync(2);
        second.Events[0].ShouldBe(Disruption.Reconnected);
        second.Sequences.ShouldBe([1]);
    }

    [Fact]
    public async Task Bytes_that_cannot_be_read_are_counted_and_reported_in_their_place()
    {
        await using var transport = Start();
        using var errors = new MetricCount("Sync.Transport", "sync.transport.decode_errors");
        var handler = new Recorder();
        await transport.SubscribeAsync(Sample.Key, handler);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await _bus.PublishAsync(Subjects.Default.Of(Sample.Key), Encoding.UTF8.GetBytes("{broken"));
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 2));
        await handler.CountAsync(3);
        handler.Events[1].ShouldBe(Disruption.Undecodable);
        errors.Value.ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task A_refused_subscription_fails_all_who_wait_and_the_next_one_tries_again()
    {
        await using var transport = Start();
        var fail = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bus.Confirming = (_, _) => fail.Task;
        var waiting = Enumerable.Range(0, 5).Select(_ => transport.SubscribeAsync(Sample.Key, new Recorder()).AsTask()).ToArray();
        _bus.Subscribes.ShouldBe(1);
        transport.KeyCount.ShouldBe(1);
        fail.SetException(new SyncException(SyncErrorCode.Refused, "planned"));
        foreach (var subscribe in waiting) (await Should.ThrowAsync<SyncException>(() => subscribe)).Code.ShouldBe(SyncErrorCode.Refused);
        transport.KeyCount.ShouldBe(0);

        _bus.Confirming = null;
        var handler = new Recorder();
        await transport.SubscribeAsync(Sample.Key, handler);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await handler.CountAsync(1);
    }

    [Fact]
    public async Task One_who_gives_up_waiting_does_not_take_the_others_subscription_away()
    {
        await using var transport = Start();
        var confirm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bus.Confirming = (_, _) => confirm.Task;
        using var giveUp = new CancellationTokenSource();
        Recorder first = new(), second = new();
        var impatient = transport.SubscribeAsync(Sample.Key, first, giveUp.Token).AsTask();
        var patient = transport.SubscribeAsync(Sample.Key, second).AsTask();
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => impatient);
        transport.KeyCount.ShouldBe(1);
        confirm.SetResult();
        await patient.WaitAsync(Recorder.Timeout);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await second.CountAsync(1);
        first.Events.ShouldBeEmpty();
        _bus.SubscriptionCount.ShouldBe(1);
    }

    [Fact]
    public async Task When_everyone_gave_up_the_late_confirmation_is_taken_back()
    {
        await using var transport = Start();
        var confirm = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bus.Confirming = (_, _) => confirm.Task;
        using var giveUp = new CancellationTokenSource();
        var impatient = transport.SubscribeAsync(Sample.Key, new Recorder(), giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => impatient);
        transport.KeyCount.ShouldBe(0);

        // Another joins while the old attempt is still open: an own attempt, and only one subscription remains.
        _bus.Confirming = null;
        var handler = new Recorder();
        await transport.SubscribeAsync(Sample.Key, handler);
        confirm.SetResult();
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await handler.CountAsync(1);
        await transport.DisposeAsync();
        for (var turns = 0; _bus.SubscriptionCount > 0 && turns < 1_000_000; turns++) await Task.Yield();
        _bus.SubscriptionCount.ShouldBe(0);
        handler.Sequences.ShouldBe([1]);
    }

    [Fact]
    public async Task A_bus_that_does_not_confirm_in_time_is_unavailable()
    {
        await using var transport = new NatsTransport(_bus, _codec, new TransportOptions { SubscribeTimeout = TimeSpan.FromMilliseconds(50) });
        _bus.Confirming = (_, cancellation) => new TaskCompletionSource().Task.WaitAsync(cancellation);
        var error = await Should.ThrowAsync<SyncException>(async () => await transport.SubscribeAsync(Sample.Key, new Recorder()));
        error.Code.ShouldBe(SyncErrorCode.BusUnavailable);
        error.IsTransient.ShouldBeTrue();
        transport.KeyCount.ShouldBe(0);
    }

    [Fact]
    public async Task What_the_bus_refuses_is_not_taken_as_published()
    {
        await using var transport = Start();
        _bus.Failure = new SyncException(SyncErrorCode.BusUnavailable, "planned", true);
        (await Should.ThrowAsync<SyncException>(async () => await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1))))
            .Code.ShouldBe(SyncErrorCode.BusUnavailable);
        (await Should.ThrowAsync<SyncException>(async () => await transport.FlushAsync())).Code.ShouldBe(SyncErrorCode.BusUnavailable);
        _bus.Failure = null;
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await transport.FlushAsync();
    }

    [Fact]
    public async Task The_place_of_keys_on_the_bus_can_be_replaced()
    {
        await using var transport = new NatsTransport(_bus, _codec, subjects: new TenantSubjects());
        var handler = new Recorder();
        var raw = new BusRecorder();
        await _bus.SubscribeAsync("t1.>", raw);
        await transport.SubscribeAsync(Sample.Key, handler);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await handler.CountAsync(1);
        await raw.CountAsync(1);
        raw.Messages[0].Subject.ShouldBe("t1.synced.acme._.user.123");
    }

    [Fact]
    public async Task A_malformed_trace_is_neither_sent_nor_taken()
    {
        await using var transport = new NatsTransport(_bus, EnvelopeCodec.Default);
        Recorder handler = new();
        var raw = new BusRecorder();
        await _bus.SubscribeAsync("synced.>", raw);
        await transport.SubscribeAsync(Sample.Key, handler);
        await transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1, "00-nonsense"));
        await raw.CountAsync(1);
        raw.Messages[0].Headers.ShouldBeNull();
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        EnvelopeCodec.Default.Encode(Sample.Envelope(Sample.Key, 2), buffer);
        await _bus.PublishAsync(
            Subjects.Default.Of(Sample.Key), buffer.WrittenMemory, BusHeaders.Of("traceparent", "00-" + new string('X', 52)));
        await handler.CountAsync(2);
        handler.Envelopes.ShouldAllBe(envelope => envelope.TraceParent == null);
    }

    [Theory]
    [InlineData(0, 16384, "Sync:Transport:KeyMailboxMax is 0; must be 16..1000000 envelopes")]
    [InlineData(256, 1, "Sync:Transport:PatternMailboxMax is 1; must be 16..10000000 envelopes")]
    public void Bounds_out_of_range_are_refused(int keys, int patterns, string expected)
    {
        var options = new TransportOptions { KeyMailboxMax = keys, PatternMailboxMax = patterns };
        Should.Throw<SyncException>(() => new NatsTransport(_bus, _codec, options)).Message.ShouldBe(expected);
        Should.Throw<SyncException>(() => new InProcessTransport(options)).Message.ShouldBe(expected);
    }

    private NatsTransport Start() => new(_bus, _codec);

    private sealed class TenantSubjects : ISubjectMap
    {
        public string Beats => "t1." + Subjects.Default.Beats;

        public string Of(SyncedKey key) => "t1." + Subjects.Default.Of(key);

        public string Of(SyncedPattern pattern) => "t1." + Subjects.Default.Of(pattern);

        public bool Follows(SyncedPattern pattern, ReadOnlySpan<byte> subject) => Subjects.Default.Follows(pattern, subject[3..]);

        public string OfBeat(FeedId feed) => "t1." + Subjects.Default.OfBeat(feed);
    }
}

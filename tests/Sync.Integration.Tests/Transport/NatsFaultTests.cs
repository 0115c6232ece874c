using Shouldly;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Testing.Faults;
using Sync.Testing.Nats;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Transport;

/// <summary>What a lost connection does to who publishes and who listens, on a real nats-server behind a proxy that cuts.</summary>
public sealed class NatsFaultTests : IAsyncLifetime
{
    private NatsServer _server = null!;
    private FaultProxy _proxy = null!;
    private IBus _cut = null!;
    private IBus _whole = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await NatsServer.StartAsync();
        _proxy = FaultProxy.Start(_server.Port);
        _cut = await SyncBus.ConnectAsync(Options($"nats://127.0.0.1:{_proxy.Port}"));
        _whole = await SyncBus.ConnectAsync(Options(_server.Url));
    }

    public async ValueTask DisposeAsync()
    {
        await _cut.DisposeAsync();
        await _whole.DisposeAsync();
        await _proxy.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_cut_is_told_to_every_handler_and_what_follows_arrives()
    {
        await using var listening = new NatsTransport(_cut, EnvelopeCodec.Default);
        await using var publishing = new NatsTransport(_whole, EnvelopeCodec.Default);
        Recorder one = new(), two = new(), pattern = new(), beats = new();
        await listening.SubscribeAsync(Sample.Key, one);
        await listening.SubscribeAsync(Sample.Key, two);
        await listening.SubscribeAsync(SyncedPattern.OfCollection("acme", "user"), pattern);
        await listening.SubscribeBeatsAsync(beats);
        await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        foreach (var handler in new[] { one, two, pattern }) await handler.CountAsync(1);
        var epoch = listening.ConnectionEpoch;

        for (var cut = 1; cut <= 3; cut++)
        {
            _proxy.Cut();
            foreach (var handler in new[] { one, two, pattern, beats })
                await handler.UntilAsync(events => events.Count(happened => happened is Disruption.Reconnected) >= cut);
            listening.ConnectionEpoch.ShouldBe(epoch + cut);
            await listening.FlushAsync();
            await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, cut + 1));
            await publishing.PublishBeatAsync(Sample.Beat(1, cut));
            foreach (var handler in new[] { one, two, pattern }) await handler.SequenceAsync(cut + 1);
            await beats.UntilAsync(events => events.OfType<Beat>().Count() >= cut);
        }
        one.Events.Count(happened => happened is Disruption).ShouldBe(3);
    }

    [Fact]
    public async Task A_flush_over_a_cut_fails_and_the_epoch_tells_what_is_not_confirmed()
    {
        await using var publishing = new NatsTransport(_cut, EnvelopeCodec.Default);
        var epoch = publishing.ConnectionEpoch;
        await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await publishing.FlushAsync();
        publishing.ConnectionEpoch.ShouldBe(epoch);

        // The bytes go nowhere, so the flush cannot have been answered when the cut comes.
        _proxy.ToServer.Stall();
        await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 2));
        var flush = publishing.FlushAsync().AsTask();
        flush.IsCompleted.ShouldBeFalse();
        _proxy.Refuse();
        _proxy.Cut();
        var error = await Should.ThrowAsync<SyncException>(() => flush);
        error.Code.ShouldBe(SyncErrorCode.BusUnavailable);
        error.IsTransient.ShouldBeTrue();
    }

    [Fact]
    public async Task Without_a_connection_publish_fails_at_once_and_nothing_is_sent_later()
    {
        await using var publishing = new NatsTransport(_cut, EnvelopeCodec.Default);
        var witness = new BusRecorder();
        await _whole.SubscribeAsync("synced.>", witness);
        var epoch = publishing.ConnectionEpoch;
        _proxy.Refuse();
        _proxy.Cut();
        await Until(() => !_cut.IsConnected);
        for (var sequence = 1; sequence <= 5; sequence++)
            (await Should.ThrowAsync<SyncException>(
                async () => await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence))))
                .Code.ShouldBe(SyncErrorCode.BusUnavailable);
        (await Should.ThrowAsync<SyncException>(async () => await publishing.FlushAsync())).Code.ShouldBe(SyncErrorCode.BusUnavailable);
        (await Should.ThrowAsync<SyncException>(
            async () => await _cut.RequestAsync("nobody", default, null, TimeSpan.FromMinutes(1)))).Code.ShouldBe(SyncErrorCode.BusUnavailable);

        _proxy.Accept();
        await Until(() => _cut.IsConnected);
        publishing.ConnectionEpoch.ShouldBeGreaterThan(epoch);
        await publishing.PublishAsync(Sample.KeyOf(6), Sample.Envelope(Sample.KeyOf(6), 6));
        await publishing.FlushAsync();
        await witness.CountAsync(1);
        witness.Messages.Select(message => message.Subject).ShouldBe(["synced.acme._.user.k6"]);
    }

    [Fact]
    public async Task A_subscription_asked_for_during_an_outage_completes_after_it()
    {
        await using var listening = new NatsTransport(_cut, EnvelopeCodec.Default);
        await using var publishing = new NatsTransport(_whole, EnvelopeCodec.Default);
        _proxy.Refuse();
        _proxy.Cut();
        await Until(() => !_cut.IsConnected);
        var handler = new Recorder();
        var subscribing = listening.SubscribeAsync(Sample.Key, handler).AsTask();
        subscribing.IsCompleted.ShouldBeFalse();
        _proxy.Accept();
        await subscribing.WaitAsync(Recorder.Timeout);
        await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await handler.SequenceAsync(1);
    }

    [Fact]
    public async Task A_responder_serves_again_after_the_broker_was_killed()
    {
        await using var serving = await _cut.ServeAsync(
            "sync.get.*.*.*.*", Subjects.WriterQueueGroup, (request, _) => ValueTask.FromResult(BusReply.Of(request.Payload)), new ServeOptions());
        (await _whole.RequestAsync("sync.get.a._.c.k", new byte[] { 1 }, null, Recorder.Timeout)).Payload.Length.ShouldBe(1);
        var (cut, whole) = (_cut.ConnectionEpoch, _whole.ConnectionEpoch);
        await _server.KillAsync();
        await _server.StartAgainAsync();
        await Until(() => _cut.IsConnected && _cut.ConnectionEpoch > cut && _whole.IsConnected && _whole.ConnectionEpoch > whole);
        await _cut.FlushAsync();
        (await _whole.RequestAsync("sync.get.a._.c.k", new byte[] { 1, 2 }, null, Recorder.Timeout)).Payload.Length.ShouldBe(2);
    }

    [Fact]
    public async Task Sessions_that_come_and_go_over_cuts_leak_nothing_and_the_last_one_works()
    {
        await using var listening = new NatsTransport(_cut, EnvelopeCodec.Default);
        await using var publishing = new NatsTransport(_whole, EnvelopeCodec.Default);
        var done = 0;
        var sessions = Parallel.ForEachAsync(Enumerable.Range(0, 3000), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (session, cancellation) =>
        {
            await using var one = await listening.SubscribeAsync(Sample.KeyOf(session % 20), new Recorder(), cancellation);
            if (Interlocked.Increment(ref done) % 500 == 0) _proxy.Cut();
        });
        await sessions.WaitAsync(TimeSpan.FromMinutes(2));
        listening.KeyCount.ShouldBe(0);
        ((NatsBus)_cut).SubscriptionCount.ShouldBe(0);
        var handler = new Recorder();
        await listening.SubscribeAsync(Sample.Key, handler);
        await publishing.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await handler.UntilAsync(events => events.OfType<Envelope>().Any());
    }

    private static BusOptions Options(string url) => new()
    {
        Url = url,
        ReconnectWaitMin = TimeSpan.FromMilliseconds(10),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(100),
        SubscribeTimeout = TimeSpan.FromSeconds(30),
        FlushTimeout = TimeSpan.FromSeconds(30),
    };

    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Recorder.Timeout);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (!condition()) await tick.WaitForNextTickAsync(limit.Token);
    }
}

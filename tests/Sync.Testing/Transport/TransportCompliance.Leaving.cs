using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>Coming and going.</summary>
public abstract partial class TransportCompliance
{
    [Fact]
    public async Task One_handler_subscribed_twice_is_one_subscription_delivered_once()
    {
        await using var rig = await StartAsync(Roomy);
        Recorder twice = new(), fence = new();
        var first = await rig.Transport.SubscribeAsync(Sample.Key, twice);
        var second = await rig.Transport.SubscribeAsync(Sample.Key, twice);
        await rig.Transport.SubscribeAsync(Sample.Key, fence);
        await PublishAsync(rig, 1);
        await PublishAsync(rig, 2);
        await fence.CountAsync(2);
        twice.Sequences.ShouldBe([1, 2]);

        // Either holder leaves alone, however often it says so; the later one's subscription stays.
        await first.DisposeAsync();
        await first.DisposeAsync();
        await PublishAsync(rig, 3);
        await fence.CountAsync(3);
        await twice.CountAsync(3);

        await second.DisposeAsync();
        await PublishAsync(rig, 4);
        await PublishAsync(rig, 5);
        await fence.CountAsync(5);
        twice.Sequences.ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Dispose_is_idempotent_and_never_removes_a_later_subscription()
    {
        await using var rig = await StartAsync(Roomy);
        var handler = new Recorder();
        var first = await rig.Transport.SubscribeAsync(Sample.Key, handler);
        await first.DisposeAsync();
        await first.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(0);

        var second = await rig.Transport.SubscribeAsync(Sample.Key, handler);
        await first.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(1);
        await PublishAsync(rig, 1);
        await handler.CountAsync(1);

        await second.DisposeAsync();
        await first.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(0);
        (rig.BusSubscriptions ?? 0).ShouldBe(0);
    }

    [Fact]
    public async Task A_handler_may_unsubscribe_itself_during_delivery()
    {
        await using var rig = await StartAsync(Roomy);
        IAsyncDisposable? own = null;
        Recorder leaving = new((_, _) => Blocking.Wait(own!.DisposeAsync())), staying = new();
        await rig.Transport.SubscribeAsync(Sample.Key, staying);
        own = await rig.Transport.SubscribeAsync(Sample.Key, leaving);
        for (var sequence = 1; sequence <= 3; sequence++) await PublishAsync(rig, sequence);
        await staying.CountAsync(3);
        leaving.Sequences.ShouldBe([1]);
    }

    [Fact]
    public async Task A_lone_handler_may_unsubscribe_itself_and_come_back_during_delivery()
    {
        await using var rig = await StartAsync(Roomy);
        IAsyncDisposable? own = null;
        var back = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Recorder handler = new((self, envelope) =>
        {
            if (envelope.Sequence.Value != 1) return;
            Blocking.Wait(own!.DisposeAsync());
            _ = ComeBackAsync(self);
        });
        async Task ComeBackAsync(Recorder self)
        {
            await rig.Transport.SubscribeAsync(Sample.Key, self);
            back.SetResult();
        }
        own = await rig.Transport.SubscribeAsync(Sample.Key, handler);
        await PublishAsync(rig, 1);
        await back.Task.WaitAsync(Recorder.Timeout);
        await PublishAsync(rig, 2);
        await handler.CountAsync(2);
        handler.Sequences.ShouldBe([1, 2]);
        rig.Transport.KeyCount.ShouldBe(1);
    }

    [Fact]
    public async Task A_handler_may_unsubscribe_others_during_delivery()
    {
        await using var rig = await StartAsync(Roomy);
        IAsyncDisposable? others = null;
        Recorder first = new((_, _) => Blocking.Wait(others!.DisposeAsync())), second = new(), third = new();
        await rig.Transport.SubscribeAsync(Sample.Key, first);
        others = await rig.Transport.SubscribeAsync(Sample.Key, second);
        await rig.Transport.SubscribeAsync(Sample.Key, third);
        await PublishAsync(rig, 1);
        await PublishAsync(rig, 2);
        await third.CountAsync(2);
        second.Sequences.ShouldBeEmpty();
        first.Sequences.ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_when_the_last_leaves_as_another_joins()
    {
        const int rounds = 2000;
        await using var rig = await StartAsync(Roomy);
        using var stop = new CancellationTokenSource();
        var begun = 0L;
        var beats = new Recorder();
        await rig.Transport.SubscribeBeatsAsync(beats);
        // A beat behind every few envelopes paces the publisher: a mailbox that overflows may lose some, and is not the point.
        var publishing = Task.Run(async () =>
        {
            for (var beat = 1; !stop.IsCancellationRequested; beat++)
            {
                for (var few = 0; few < 8; few++) await PublishAsync(rig, Interlocked.Increment(ref begun));
                await rig.Transport.PublishBeatAsync(Sample.Beat(0, beat));
                await beats.CountAsync(beat);
            }
        });
        var current = new Recorder();
        var subscription = await rig.Transport.SubscribeAsync(Sample.Key, current);
        for (var round = 0; round < rounds; round++)
        {
            var known = Interlocked.Read(ref begun);
            var next = new Recorder();
            // The order of joining and leaving is left to the scheduler.
            var leaving = Task.Run(async () => await subscription.DisposeAsync());
            var joined = await rig.Transport.SubscribeAsync(Sample.Key, next);
            var since = Interlocked.Read(ref begun);
            await leaving;
            await next.SequenceAsync(since + 1);
            var got = next.Sequences;
            got[0].ShouldBeLessThanOrEqualTo(since + 1, $"round {round}: lost");
            got.ShouldBe(Enumerable.Range(0, got.Count).Select(at => got[0] + at), $"round {round}: lost or doubled");
            got[0].ShouldBeGreaterThanOrEqualTo(known, $"round {round}: published before");
            (subscription, current) = (joined, next);
        }
        await stop.CancelAsync();
        await publishing;
        await subscription.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(0);
        (rig.BusSubscriptions ?? 1).ShouldBe(1, "the beats'");
    }

    [Fact]
    public async Task Sessions_that_come_and_go_leak_nothing()
    {
        await using var rig = await StartAsync(Roomy);
        await rig.Transport.SubscribeAsync(SyncedPattern.OfVault("stays"), new Recorder());
        var keys = rig.Transport.KeyCount;
        var subscriptions = rig.BusSubscriptions;
        await Parallel.ForEachAsync(Enumerable.Range(0, 10_000), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (session, cancellation) =>
        {
            var key = Sample.KeyOf(session % 100);
            await using var one = await rig.Transport.SubscribeAsync(key, new Recorder(), cancellation);
            await using var two = await rig.Transport.SubscribeAsync(
                SyncedPattern.OfCollection("acme", "c" + (session % 7)), new Recorder(), cancellation);
            if (session % 10 == 0) await rig.Transport.PublishAsync(key, Sample.Envelope(key, session + 1), cancellation);
        });
        rig.Transport.KeyCount.ShouldBe(keys);
        rig.BusSubscriptions.ShouldBe(subscriptions);
    }

    [Fact]
    public async Task A_subscribe_that_is_cancelled_leaves_no_trace()
    {
        await using var rig = await StartAsync(Roomy);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(
            async () => await rig.Transport.SubscribeAsync(Sample.Key, new Recorder(), cancelled.Token));
        rig.Transport.KeyCount.ShouldBe(0);
    }

    [Fact]
    public async Task After_dispose_nothing_is_delivered_and_subscribing_is_refused()
    {
        await using var rig = await StartAsync(Roomy);
        var handler = new Recorder();
        var subscription = await rig.Transport.SubscribeAsync(Sample.Key, handler);
        await rig.Transport.DisposeAsync();
        await rig.Transport.DisposeAsync();
        await subscription.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(0);
        (rig.BusSubscriptions ?? 0).ShouldBe(0);
        (await Should.ThrowAsync<SyncException>(async () => await rig.Transport.SubscribeAsync(Sample.Key, handler)))
            .Code.ShouldBe(SyncErrorCode.Stopped);
        handler.Events.ShouldBeEmpty();
    }

    private static async Task PublishAsync(TransportRig rig, long sequence) =>
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence));
}

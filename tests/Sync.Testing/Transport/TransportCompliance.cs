using Shouldly;
using Sync.Contracts;
using Sync.Transport;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>The transport contract, sentence by sentence: every implementation of <see cref="ITransport"/> runs it. That
/// something is not delivered is shown by a later message of the same key: deliveries of a key follow one another.</summary>
public abstract partial class TransportCompliance
{
    /// <summary>Mailboxes that do not overflow in tests that are not about it.</summary>
    protected static readonly TransportOptions Roomy = new() { KeyMailboxMax = 1_000_000, PatternMailboxMax = 1_000_000 };

    /// <summary>A fresh transport that nobody else uses.</summary>
    protected abstract ValueTask<TransportRig> StartAsync(TransportOptions options);

    [Fact]
    public async Task Publish_reaches_every_subscriber_of_the_key_with_one_instance()
    {
        await using var rig = await StartAsync(Roomy);
        Recorder[] all = [new(), new(), new()];
        foreach (var handler in all) await rig.Transport.SubscribeAsync(Sample.Key, handler);

        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));

        foreach (var handler in all) await handler.CountAsync(1);
        all[1].Envelopes[0].ShouldBeSameAs(all[0].Envelopes[0]);
        all[2].Envelopes[0].ShouldBeSameAs(all[0].Envelopes[0]);
        all[0].Envelopes[0].Key.ShouldBe(Sample.Key);
        all[0].Envelopes[0].Sequence.ShouldBe(new Sequence(1));
    }

    [Fact]
    public async Task Publish_without_a_subscriber_is_a_no_op_and_leaves_no_trace()
    {
        await using var rig = await StartAsync(Roomy);
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await rig.Transport.FlushAsync();
        rig.Transport.KeyCount.ShouldBe(0);
    }

    [Fact]
    public async Task Nobody_else_gets_a_keys_envelopes()
    {
        await using var rig = await StartAsync(Roomy);
        Recorder mine = new(), other = new();
        await rig.Transport.SubscribeAsync(Sample.KeyOf(1), mine);
        await rig.Transport.SubscribeAsync(Sample.KeyOf(2), other);
        await rig.Transport.PublishAsync(Sample.KeyOf(1), Sample.Envelope(Sample.KeyOf(1), 1));
        await rig.Transport.PublishAsync(Sample.KeyOf(2), Sample.Envelope(Sample.KeyOf(2), 2));
        await mine.CountAsync(1);
        await other.CountAsync(1);
        other.Sequences.ShouldBe([2]);
        mine.Sequences.ShouldBe([1]);
    }

    [Fact]
    public async Task Order_is_kept_per_key()
    {
        await using var rig = await StartAsync(Roomy);
        Recorder one = new(), two = new();
        await rig.Transport.SubscribeAsync(Sample.KeyOf(1), one);
        await rig.Transport.SubscribeAsync(Sample.KeyOf(2), two);
        for (var sequence = 1; sequence <= 3000; sequence++)
        {
            await rig.Transport.PublishAsync(Sample.KeyOf(1), Sample.Envelope(Sample.KeyOf(1), sequence));
            await rig.Transport.PublishAsync(Sample.KeyOf(2), Sample.Envelope(Sample.KeyOf(2), sequence));
        }
        await one.CountAsync(3000);
        await two.CountAsync(3000);
        one.Sequences.ShouldBe(Enumerable.Range(1, 3000).Select(number => (long)number));
        two.Sequences.ShouldBe(one.Sequences);
        one.Overlapped.ShouldBeFalse();
    }

    [Fact]
    public async Task A_subscriber_sees_only_what_is_published_after_it_subscribed()
    {
        await using var rig = await StartAsync(Roomy);
        var gate = new Gate();
        Recorder early = new((_, envelope) => { if (envelope.Sequence.Value == 1) gate.Hold(); }), late = new();
        await rig.Transport.SubscribeAsync(Sample.Key, early);
        for (var sequence = 1; sequence <= 3; sequence++)
            await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence));
        await gate.Entered;
        await rig.Transport.FlushAsync();

        // Two and three still wait in the mailbox, and are not the newcomer's.
        await rig.Transport.SubscribeAsync(Sample.Key, late);
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 4));
        gate.Open();

        await late.CountAsync(1);
        late.Sequences.ShouldBe([4]);
        early.Sequences.ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public async Task A_dumb_pipe_validates_nothing_and_dedupes_nothing()
    {
        await using var rig = await StartAsync(Roomy);
        var handler = new Recorder();
        await rig.Transport.SubscribeAsync(Sample.Key, handler);
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 5));
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 5));
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 2));
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.KeyOf(9), 7));
        await handler.CountAsync(4);
        handler.Sequences.ShouldBe([5, 5, 2, 7]);
        handler.Envelopes[3].Key.ShouldBe(Sample.KeyOf(9));
    }

    [Fact]
    public async Task A_publish_from_inside_a_handler_is_queued_behind_the_delivery_in_progress()
    {
        await using var rig = await StartAsync(Roomy);
        var inside = 0;
        var nested = false;
        Recorder first = new((_, envelope) =>
        {
            if (Interlocked.Increment(ref inside) > 1) nested = true;
            if (envelope.Sequence.Value < 5)
                Blocking.Wait(rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, envelope.Sequence.Value + 1)));
            Interlocked.Decrement(ref inside);
        });
        var second = new Recorder();
        await rig.Transport.SubscribeAsync(Sample.Key, first);
        await rig.Transport.SubscribeAsync(Sample.Key, second);
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1));
        await second.CountAsync(5);
        second.Sequences.ShouldBe([1, 2, 3, 4, 5]);
        first.Sequences.ShouldBe([1, 2, 3, 4, 5]);
        nested.ShouldBeFalse();
    }

    [Fact]
    public async Task A_handler_that_throws_stops_nobody_and_is_counted()
    {
        await using var rig = await StartAsync(Roomy);
        using var errors = new MetricCount("Sync.Transport", "sync.transport.handler_errors");
        Recorder throwing = new((_, _) => throw new InvalidOperationException("planned")), other = new();
        await rig.Transport.SubscribeAsync(Sample.Key, throwing);
        await rig.Transport.SubscribeAsync(Sample.Key, other);
        for (var sequence = 1; sequence <= 3; sequence++)
            await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence));
        await other.CountAsync(3);
        throwing.Sequences.ShouldBe([1, 2, 3]);
        errors.Value.ShouldBeGreaterThanOrEqualTo(3);
    }

    [Fact]
    public async Task A_handler_that_blocks_holds_up_neither_the_publisher_nor_other_keys()
    {
        await using var rig = await StartAsync(Roomy);
        var gate = new Gate();
        Recorder blocked = new((_, _) => gate.Hold()), free = new();
        await rig.Transport.SubscribeAsync(Sample.KeyOf(1), blocked);
        await rig.Transport.SubscribeAsync(Sample.KeyOf(2), free);
        await rig.Transport.PublishAsync(Sample.KeyOf(1), Sample.Envelope(Sample.KeyOf(1), 1));
        await gate.Entered;
        await rig.Transport.PublishAsync(Sample.KeyOf(1), Sample.Envelope(Sample.KeyOf(1), 2));
        await rig.Transport.PublishAsync(Sample.KeyOf(2), Sample.Envelope(Sample.KeyOf(2), 1));
        await free.CountAsync(1);
        blocked.Sequences.ShouldBe([1]);
        gate.Open();
        await blocked.CountAsync(2);
    }

    [Fact]
    public async Task A_thousand_local_subscribers_of_a_key_each_get_every_envelope()
    {
        await using var rig = await StartAsync(Roomy);
        var handlers = Enumerable.Range(0, 1000).Select(_ => new Recorder()).ToArray();
        foreach (var handler in handlers) await rig.Transport.SubscribeAsync(Sample.Key, handler);
        rig.Transport.KeyCount.ShouldBe(1);
        (rig.BusSubscriptions ?? 1).ShouldBe(1);
        for (var sequence = 1; sequence <= 10; sequence++)
            await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence));
        foreach (var handler in handlers) await handler.CountAsync(10);
        handlers.ShouldAllBe(handler => handler.Envelopes.Count == 10);
        handlers.ShouldAllBe(handler => ReferenceEquals(handler.Envelopes[9], handlers[0].Envelopes[9]));
    }

    [Fact]
    public async Task Flush_completes_when_the_bus_has_taken_everything()
    {
        await using var rig = await StartAsync(Roomy);
        var epoch = rig.Transport.ConnectionEpoch;
        for (var sequence = 1; sequence <= 100; sequence++)
            await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, sequence));
        await rig.Transport.FlushAsync();
        rig.Transport.ConnectionEpoch.ShouldBe(epoch);
    }

    [Fact]
    public async Task Trace_context_travels_with_the_envelope()
    {
        const string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await using var rig = await StartAsync(Roomy);
        Recorder key = new(), pattern = new();
        await rig.Transport.SubscribeAsync(Sample.Key, key);
        await rig.Transport.SubscribeAsync(SyncedPattern.OfVault("acme"), pattern);
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 1, trace));
        await rig.Transport.PublishAsync(Sample.Key, Sample.Envelope(Sample.Key, 2));
        await key.CountAsync(2);
        await pattern.CountAsync(2);
        key.Envelopes.Select(envelope => envelope.TraceParent).ShouldBe([trace, null]);
        pattern.Envelopes.Select(envelope => envelope.TraceParent).ShouldBe([trace, null]);
    }

    [Fact]
    public async Task A_name_against_the_rules_is_refused()
    {
        await using var rig = await StartAsync(Roomy);
        var wrong = new SyncedKey("acme", "user", "a\r\nPUB b 1");
        (await Should.ThrowAsync<SyncException>(async () => await rig.Transport.PublishAsync(wrong, Sample.Envelope(wrong, 1))))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(async () => await rig.Transport.SubscribeAsync(wrong, new Recorder())))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(
            async () => await rig.Transport.SubscribeAsync(new SyncedPattern("g", "v", null), new Recorder())))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        rig.Transport.KeyCount.ShouldBe(0);
    }
}

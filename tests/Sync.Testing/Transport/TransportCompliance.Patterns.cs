using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.Testing.Transport;

/// <summary>Patterns, beats and overflow.</summary>
public abstract partial class TransportCompliance
{
    private static readonly SyncedKey Django = new("pypi--django", "advisory", "1");
    private static readonly SyncedKey Flask = new("pypi--flask", "advisory", "2");
    private static readonly SyncedKey FlaskFile = new("pypi--flask", "file", "3");
    private static readonly SyncedKey PypiItself = new("pypi", "advisory", "4");
    private static readonly SyncedKey Npm = new("npm--left-pad", "advisory", "5");
    private static readonly SyncedKey Odd = new("pypi--a.b", "advisory", "x.y*>é 😀");

    [Fact]
    public async Task A_pattern_sees_its_keys_and_no_others()
    {
        await using var rig = await StartAsync(Roomy);
        (SyncedPattern Pattern, SyncedKey[] Expected)[] cases =
        [
            (SyncedPattern.OfCollection("pypi--flask", "advisory"), [Flask]),
            (SyncedPattern.OfVault("pypi--flask"), [Flask, FlaskFile]),
            (SyncedPattern.OfVault("pypi"), [PypiItself]),
            (SyncedPattern.OfGroup("pypi", "advisory"), [Django, Flask, Odd]),
            (SyncedPattern.OfGroup("pypi"), [Django, Flask, FlaskFile, Odd]),
        ];
        var handlers = cases.Select(_ => new Recorder()).ToArray();
        for (var at = 0; at < cases.Length; at++) await rig.Transport.SubscribeAsync(cases[at].Pattern, handlers[at]);
        rig.Transport.KeyCount.ShouldBe(cases.Length);

        SyncedKey[] published = [Django, Flask, FlaskFile, PypiItself, Npm, Odd];
        foreach (var key in published) await rig.Transport.PublishAsync(key, Sample.Envelope(key, 1));
        // The fence: one more of every expected key, so that each handler's last event is known.
        for (var at = 0; at < cases.Length; at++)
        {
            cases[at].Expected.ShouldAllBe(key => cases[at].Pattern.Matches(key));
            await rig.Transport.PublishAsync(cases[at].Expected[^1], Sample.Envelope(cases[at].Expected[^1], 100 + at));
        }
        for (var at = 0; at < cases.Length; at++)
        {
            var last = 100 + at;
            await handlers[at].UntilAsync(events => events.OfType<Envelope>().Any(envelope => envelope.Sequence.Value == last));
            handlers[at].Envelopes.Where(envelope => envelope.Sequence.Value == 1).Select(envelope => envelope.Key)
                .ShouldBe(cases[at].Expected, cases[at].Pattern.ToString());
        }
    }

    [Fact]
    public async Task Pattern_subscriptions_follow_the_same_rules_of_coming_and_going()
    {
        await using var rig = await StartAsync(Roomy);
        var pattern = SyncedPattern.OfCollection("acme", "user");
        Recorder twice = new(), other = new((_, _) => throw new InvalidOperationException("planned"));
        var first = await rig.Transport.SubscribeAsync(pattern, twice);
        var second = await rig.Transport.SubscribeAsync(pattern, twice);
        var third = await rig.Transport.SubscribeAsync(pattern, other);
        rig.Transport.KeyCount.ShouldBe(1);
        (rig.BusSubscriptions ?? 1).ShouldBe(1);
        for (var number = 1; number <= 5; number++)
            await rig.Transport.PublishAsync(Sample.KeyOf(number), Sample.Envelope(Sample.KeyOf(number), number));
        await twice.CountAsync(5);
        twice.Sequences.ShouldBe([1, 2, 3, 4, 5]);
        await first.DisposeAsync();
        await second.DisposeAsync();
        await third.DisposeAsync();
        rig.Transport.KeyCount.ShouldBe(0);
        (rig.BusSubscriptions ?? 0).ShouldBe(0);
    }

    [Fact]
    public async Task Beats_reach_every_subscriber_in_order_and_are_no_keys()
    {
        await using var rig = await StartAsync(Roomy);
        Recorder one = new(), two = new();
        await rig.Transport.SubscribeBeatsAsync(one);
        var leaving = await rig.Transport.SubscribeBeatsAsync(two);
        rig.Transport.KeyCount.ShouldBe(0);
        for (var position = 1; position <= 10; position++) await rig.Transport.PublishBeatAsync(Sample.Beat(position % 3, position));
        await one.CountAsync(10);
        await two.CountAsync(10);
        one.Events.Cast<Beat>().Select(beat => beat.Position.Value).ShouldBe(Enumerable.Range(1, 10).Select(number => (long)number));
        one.Events.Cast<Beat>().Select(beat => beat.Feed.Value).Distinct().Order().ShouldBe([0, 1, 2]);
        await leaving.DisposeAsync();
        await rig.Transport.PublishBeatAsync(Sample.Beat(1, 11));
        await rig.Transport.PublishBeatAsync(Sample.Beat(1, 12));
        await one.CountAsync(12);
        two.Events.Count.ShouldBe(10);
    }

    [Fact]
    public async Task A_beat_comes_behind_every_envelope_published_before_it()
    {
        await using var rig = await StartAsync(Roomy with { BeatHoldMax = TimeSpan.FromMinutes(1) });
        var gates = Enumerable.Range(0, 3).Select(_ => new Gate()).ToArray();
        var handlers = gates.Select(gate => new Recorder((_, envelope) => { if (envelope.Sequence.Value == 2) gate.Hold(); })).ToArray();
        var beats = new Recorder();
        await rig.Transport.SubscribeBeatsAsync(beats);
        for (var number = 0; number < 3; number++)
        {
            await rig.Transport.SubscribeAsync(Sample.KeyOf(number), handlers[number]);
            await rig.Transport.PublishAsync(Sample.KeyOf(number), Sample.Envelope(Sample.KeyOf(number), 1));
        }
        await rig.Transport.PublishBeatAsync(Sample.Beat(0, 1));
        await beats.CountAsync(1);
        foreach (var handler in handlers) handler.Sequences.ShouldBe([1]);

        for (var number = 0; number < 3; number++)
            for (var sequence = 2; sequence <= 3; sequence++)
                await rig.Transport.PublishAsync(Sample.KeyOf(number), Sample.Envelope(Sample.KeyOf(number), sequence));
        await rig.Transport.PublishBeatAsync(Sample.Beat(0, 2));
        await rig.Transport.PublishBeatAsync(Sample.Beat(0, 3));
        for (var number = 0; number < 3; number++)
        {
            await gates[number].Entered;
            await rig.Transport.FlushAsync();
            beats.Events.Count.ShouldBe(1);
            gates[number].Open();
        }
        await beats.CountAsync(3);
        foreach (var handler in handlers) handler.Sequences.ShouldBe([1, 2, 3]);
        beats.Events.Cast<Beat>().Select(beat => beat.Position.Value).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task A_handler_that_never_returns_holds_beats_up_no_longer_than_the_limit()
    {
        await using var rig = await StartAsync(Roomy with { BeatHoldMax = TimeSpan.FromMilliseconds(50) });
        var gate = new Gate();
        Recorder stuck = new((_, _) => gate.Hold()), beats = new();
        await rig.Transport.SubscribeAsync(Sample.Key, stuck);
        await rig.Transport.SubscribeBeatsAsync(beats);
        await PublishAsync(rig, 1);
        await gate.Entered;
        for (var position = 1; position <= 3; position++)
        {
            await rig.Transport.PublishBeatAsync(Sample.Beat(0, position));
            await beats.CountAsync(position);
        }
        gate.Open();
        await rig.Transport.PublishBeatAsync(Sample.Beat(0, 4));
        await beats.CountAsync(4);
        beats.Events.Cast<Beat>().Select(beat => beat.Position.Value).ShouldBe([1, 2, 3, 4]);
    }

    [Fact]
    public async Task Beats_pass_while_mailboxes_overflow_and_sessions_go()
    {
        await using var rig = await StartAsync(Roomy with
        {
            KeyMailboxMax = 16,
            PatternMailboxMax = 16,
            BeatHoldMax = TimeSpan.FromMinutes(1),
        });
        var beats = new Recorder();
        await rig.Transport.SubscribeBeatsAsync(beats);
        for (var position = 1; position <= 200; position++)
        {
            await using (await rig.Transport.SubscribeAsync(Sample.Key, new Recorder()))
            await using (await rig.Transport.SubscribeAsync(SyncedPattern.OfVault("acme"), new Recorder()))
                for (var sequence = 1; sequence <= 40; sequence++) await PublishAsync(rig, sequence);
            await rig.Transport.PublishBeatAsync(Sample.Beat(0, position));
        }
        await beats.CountAsync(200);
    }

    [Fact]
    public async Task A_full_mailbox_of_a_key_keeps_the_newest_and_reports_it_in_order()
    {
        await using var rig = await StartAsync(Roomy with { KeyMailboxMax = 16 });
        using var dropped = new MetricCount("Sync.Transport", "sync.transport.overflow");
        var gate = new Gate();
        Recorder slow = new((_, envelope) => { if (envelope.Sequence.Value == 1) gate.Hold(); }), fence = new();
        await rig.Transport.SubscribeAsync(Sample.Key, slow);
        await rig.Transport.SubscribeAsync(Sample.KeyOf(2), fence);
        await PublishAsync(rig, 1);
        await gate.Entered;
        for (var sequence = 2; sequence <= 100; sequence++) await PublishAsync(rig, sequence);
        await rig.Transport.PublishAsync(Sample.KeyOf(2), Sample.Envelope(Sample.KeyOf(2), 1));
        await fence.CountAsync(1);
        gate.Open();
        await slow.SequenceAsync(100);

        var events = slow.Events;
        events[0].ShouldBeOfType<Envelope>().Sequence.Value.ShouldBe(1);
        events[1].ShouldBe(Disruption.Overflow);
        events.Count(happened => happened is Disruption).ShouldBe(1);
        slow.Sequences.ShouldBe(slow.Sequences.Order());
        slow.Sequences.Count.ShouldBeLessThanOrEqualTo(17);
        dropped.Value.ShouldBeGreaterThanOrEqualTo(100 - 17);
    }

    [Fact]
    public async Task A_full_mailbox_of_a_pattern_keeps_the_newest_envelope_of_each_key()
    {
        await using var rig = await StartAsync(Roomy with { PatternMailboxMax = 64 });
        var gate = new Gate();
        Recorder slow = new((_, envelope) => { if (envelope.Sequence.Value == 1) gate.Hold(); }), fence = new();
        await rig.Transport.SubscribeAsync(SyncedPattern.OfCollection("acme", "user"), slow);
        await rig.Transport.SubscribeAsync(new SyncedKey("acme", "fence", "1"), fence);
        await rig.Transport.PublishAsync(Sample.KeyOf(0), Sample.Envelope(Sample.KeyOf(0), 1));
        await gate.Entered;
        for (var sequence = 2; sequence <= 50; sequence++)
            for (var number = 0; number < 10; number++)
                await rig.Transport.PublishAsync(Sample.KeyOf(number), Sample.Envelope(Sample.KeyOf(number), sequence));
        var behind = new SyncedKey("acme", "fence", "1");
        await rig.Transport.PublishAsync(behind, Sample.Envelope(behind, 1));
        await fence.CountAsync(1);
        gate.Open();
        for (var number = 0; number < 10; number++)
        {
            var key = Sample.KeyOf(number);
            await slow.UntilAsync(events => events.OfType<Envelope>().Any(envelope => envelope.Key == key && envelope.Sequence.Value == 50));
        }
        slow.Events[1].ShouldBe(Disruption.Overflow);
        foreach (var ofKey in slow.Envelopes.GroupBy(envelope => envelope.Key))
            ofKey.Select(envelope => envelope.Sequence.Value).ShouldBe(ofKey.Select(envelope => envelope.Sequence.Value).Order());
    }

    [Fact]
    public async Task Beyond_the_bound_of_keys_envelopes_are_dropped_and_reported()
    {
        await using var rig = await StartAsync(Roomy with { PatternMailboxMax = 64 });
        var gate = new Gate();
        Recorder slow = new((_, envelope) => { if (envelope.Key == Sample.KeyOf(0)) gate.Hold(); }), fence = new();
        await rig.Transport.SubscribeAsync(SyncedPattern.OfCollection("acme", "user"), slow);
        var behind = new SyncedKey("acme", "fence", "1");
        await rig.Transport.SubscribeAsync(behind, fence);
        await rig.Transport.PublishAsync(Sample.KeyOf(0), Sample.Envelope(Sample.KeyOf(0), 1));
        await gate.Entered;
        for (var number = 1; number <= 1000; number++)
            await rig.Transport.PublishAsync(Sample.KeyOf(number), Sample.Envelope(Sample.KeyOf(number), 1));
        await rig.Transport.PublishAsync(behind, Sample.Envelope(behind, 1));
        await fence.CountAsync(1);
        gate.Open();
        await slow.UntilAsync(events => events.OfType<Envelope>().Any(envelope => envelope.Key == Sample.KeyOf(1000)));
        slow.Events[1].ShouldBe(Disruption.Overflow);
        slow.Events.Count.ShouldBeLessThanOrEqualTo(66);
    }
}

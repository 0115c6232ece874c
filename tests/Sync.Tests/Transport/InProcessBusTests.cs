using Shouldly;
using Sync.Contracts;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Transport;

public sealed class InProcessBusTests : BusCompliance
{
    [Fact]
    public async Task Publishers_wait_in_order_when_the_bus_is_full()
    {
        await using var bus = new InProcessBus(new InProcessBusOptions { QueueMessagesMax = 16, PublishTimeout = TimeSpan.FromMinutes(1) });
        var gate = new Gate();
        BusRecorder recorder = new(got => { if (got.Text == "0") gate.Hold(); });
        await bus.SubscribeAsync("full", recorder);
        var publishes = Enumerable.Range(0, 500).Select(number => bus.PublishAsync("full", Bytes(number.ToString())).AsTask()).ToArray();
        await gate.Entered;
        publishes.Count(publish => !publish.IsCompleted).ShouldBeGreaterThan(400);
        gate.Open();
        await Task.WhenAll(publishes).WaitAsync(Recorder.Timeout);
        await recorder.CountAsync(500);
        recorder.Texts.ShouldBe(Enumerable.Range(0, 500).Select(number => number.ToString()));
    }

    [Fact]
    public async Task A_publisher_waits_for_room_no_longer_than_its_limit()
    {
        await using var bus = new InProcessBus(new InProcessBusOptions
        {
            QueueMessagesMax = 16,
            PublishTimeout = TimeSpan.FromMilliseconds(50),
            WaitersMax = 2,
        });
        var gate = new Gate();
        BusRecorder recorder = new(got => { if (got.Text == "0") gate.Hold(); });
        await bus.SubscribeAsync("full", recorder);
        await bus.PublishAsync("full", Bytes("0"));
        await gate.Entered;
        for (var number = 1; number <= 16; number++) await bus.PublishAsync("full", Bytes(number.ToString()));
        Task[] waiting = [bus.PublishAsync("full", Bytes("late")).AsTask(), bus.PublishAsync("full", Bytes("late")).AsTask()];
        // The number of waiters is bounded as well, and then the answer comes at once.
        (await Should.ThrowAsync<SyncException>(async () => await bus.PublishAsync("full", Bytes("more"))))
            .Code.ShouldBe(SyncErrorCode.BusUnavailable);
        foreach (var publish in waiting)
        {
            var error = await Should.ThrowAsync<SyncException>(() => publish);
            error.Code.ShouldBe(SyncErrorCode.BusUnavailable);
            error.IsTransient.ShouldBeTrue();
        }
        var late = new BusRecorder();
        await bus.SubscribeAsync("full", late);
        gate.Open();
        await bus.PublishAsync("full", Bytes("again"));
        await late.CountAsync(1);
        late.Texts.ShouldBe(["again"]);
        recorder.Texts.ShouldBe([.. Enumerable.Range(0, 17).Select(number => number.ToString()), "again"]);
    }

    [Fact]
    public void Options_out_of_range_are_refused_with_key_value_and_range()
    {
        var error = Should.Throw<SyncException>(() => new InProcessBus(new InProcessBusOptions { QueueMessagesMax = 0 }));
        error.Message.ShouldBe("Sync:InProcessBus:QueueMessagesMax is 0; must be 16..10000000 messages");
    }

    protected override ValueTask<BusRig> StartAsync()
    {
        var bus = new InProcessBus();
        return ValueTask.FromResult(new BusRig(
            bus, bus, (subject, replyTo, payload) => bus.PublishAsync(subject, payload, replyTo, null, default), bus.DisposeAsync));
    }
}

using Shouldly;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Replication;

public sealed class ManualTimeProviderTests
{
    [Fact]
    public void Timers_fire_in_the_order_of_their_due_times_and_see_the_clock_at_them()
    {
        var time = new ManualTimeProvider();
        var start = time.GetUtcNow();
        var fired = new List<(string Name, TimeSpan At)>();
        using var late = time.CreateTimer(_ => fired.Add(("late", time.GetUtcNow() - start)), null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        using var early = time.CreateTimer(_ => fired.Add(("early", time.GetUtcNow() - start)), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);

        time.Advance(TimeSpan.FromSeconds(1.5));
        fired.ShouldBe([("early", TimeSpan.FromSeconds(1))]);
        time.Advance(TimeSpan.FromSeconds(1.5));
        fired[^1].ShouldBe(("late", TimeSpan.FromSeconds(2)));
        (time.GetUtcNow() - start).ShouldBe(TimeSpan.FromSeconds(3));
        time.ArmedCount.ShouldBe(0);
    }

    [Fact]
    public void A_periodic_timer_fires_at_every_period_and_stops_when_disposed()
    {
        var time = new ManualTimeProvider();
        var fired = 0;
        var timer = time.CreateTimer(_ => fired++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(3));
        fired.ShouldBe(3);
        timer.Dispose();
        time.Advance(TimeSpan.FromSeconds(3));
        fired.ShouldBe(3);
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan).ShouldBeFalse();
    }

    [Fact]
    public async Task Delays_and_timeouts_of_the_framework_follow_it()
    {
        var time = new ManualTimeProvider();
        using var source = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        await time.WhenArmedAsync();
        time.Advance(TimeSpan.FromSeconds(4));
        source.IsCancellationRequested.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(1));
        source.IsCancellationRequested.ShouldBeTrue();
    }
}

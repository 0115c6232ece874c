using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.Replication;

// Waits for a position of a feed.
public sealed partial class FeedTrackerCoreTests
{
    [Fact]
    public void A_wait_is_reached_by_an_apply_an_answer_or_a_beat()
    {
        var waits = new FeedWaits(_tracker, TimeSpan.FromMilliseconds(50));
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        Waiting(waits, member, 10).ShouldBe(FeedWaitState.Reached);

        var byApply = new FeedWait(member, new(Feed, History, new(12)));
        var byBeat = new FeedWait(member, new(Feed, History, new(20)));
        waits.TryAdd(byApply, _now);
        waits.TryAdd(byBeat, _now);
        marks.Apply(12);
        Over(waits).ShouldBe([byApply]);
        Beat(10, 20, ("b", 19));
        Over(waits).ShouldBe([byBeat]);
        (waits.Count, waits.NextDue).ShouldBe((0, null));
    }

    [Fact]
    public void A_wait_asks_after_fifty_milliseconds_instead_of_waiting_for_the_next_beat()
    {
        var waits = new FeedWaits(_tracker, TimeSpan.FromMilliseconds(50));
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        var wait = new FeedWait(member, new(Feed, History, new(12)));
        waits.TryAdd(wait, _now);
        waits.NextDue.ShouldBe(TimeSpan.FromMilliseconds(50));
        Asks(waits, TimeSpan.FromMilliseconds(49)).ShouldBeEmpty();
        Asks(waits, TimeSpan.FromMilliseconds(50)).ShouldBe([wait]);
        Asks(waits, TimeSpan.FromMilliseconds(60)).ShouldBeEmpty();
        _tracker.Answered(member, Feed, History, new(12), _now, _effects);
        Over(waits).ShouldBe([wait]);
    }

    [Fact]
    public void A_position_of_another_feed_or_history_is_an_error_now_or_when_the_feed_becomes_known()
    {
        var waits = new FeedWaits(_tracker, TimeSpan.FromMilliseconds(50));
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Waiting(waits, member, 3, feed: 4).ShouldBe(FeedWaitState.Elsewhere);
        Waiting(waits, member, 3, history: 78).ShouldBe(FeedWaitState.Elsewhere);

        var unknown = new FeedMember(new("later", "user", "x"), new Marks());
        _tracker.Join(unknown);
        var wait = new FeedWait(unknown, new(new(5), History, new(1)));
        waits.TryAdd(wait, _now);
        wait.State.ShouldBe(FeedWaitState.Waiting);
        _tracker.Answered(unknown, Feed, History, new(9), _now, _effects);
        Over(waits).ShouldBe([wait]);
        wait.State.ShouldBe(FeedWaitState.Elsewhere);
    }
}

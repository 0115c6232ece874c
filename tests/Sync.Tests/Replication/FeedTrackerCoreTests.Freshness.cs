using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.Replication;

// When a replica may be called current although no change of its key says so.
public sealed partial class FeedTrackerCoreTests
{
    [Fact]
    public void Absence_in_a_feed_that_nothing_was_written_to_is_current_once_a_beat_says_so()
    {
        var marks = new Marks();
        var member = new FeedMember(new SyncedKey("acme", "user", "a"), marks);
        _tracker.Join(member);
        marks.Miss();
        _tracker.Answered(member, Feed, History, Position.Start, _now, _effects);
        Fresh(member).IsKnown.ShouldBeFalse("no beat was heard");
        Beat(0, 0);
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, History, Position.Start), _now, true));
    }

    [Fact]
    public void What_a_lost_history_named_before_the_first_answer_does_not_keep_a_replica_from_being_current()
    {
        var marks = new Marks();
        var member = new FeedMember(new SyncedKey("acme", "user", "a"), marks);
        _tracker.Join(member);
        Beat(0, 6, ("a", 6));
        marks.Reset(78);
        marks.Apply(6);
        _tracker.Answered(member, Feed, new(78), new(8), _now, _effects);
        Beat(8, 8, history: 78);
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, new(78), new(8)), _now, true));
    }
}

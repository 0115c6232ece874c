using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.Replication;

public sealed partial class FeedTrackerCoreTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(250);
    private static readonly FeedId Feed = new(3);
    private static readonly HistoryId History = new(77);
    private readonly FeedTrackerCore _tracker = new(Grace, PlantedFaults.None);
    private readonly List<FeedEffect> _effects = [];
    private TimeSpan _now;

    [Fact]
    public void A_named_key_that_has_not_arrived_is_refetched_after_the_grace_and_not_before()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12, ("a", 12));
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
        Pass(Grace - TimeSpan.FromTicks(1));
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
        Pass(TimeSpan.FromTicks(1));
        Effects(FeedEffectKind.TailGap).ShouldBe([new(FeedEffectKind.TailGap, member, Feed, History, new(12))]);
        _tracker.NextDue.ShouldBeNull();
    }

    [Fact]
    public void A_named_key_that_arrives_within_the_grace_is_left_alone()
    {
        var (_, marks) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12, ("a", 12));
        marks.Apply(12);
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
    }

    [Fact]
    public void A_named_key_that_was_seen_and_refused_is_not_refetched()
    {
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        marks.Refuse(12);
        Beat(10, 12, ("a", 12));
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
        Fresh(member).IsCurrent.ShouldBeFalse("seen is ahead of applied");
        Fresh(member).At.Position.ShouldBe(new Position(10));
    }

    [Fact]
    public void A_later_change_named_during_the_grace_gets_its_own()
    {
        var (_, marks) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12, ("a", 12));
        Pass(Grace / 2);
        Beat(12, 14, ("a", 14));
        marks.Apply(12);
        Pass(Grace / 2);
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).Single().Position.ShouldBe(new Position(14));
    }

    [Fact]
    public void Ever_new_changes_do_not_put_off_the_recovery_of_the_first()
    {
        Joined("a", applied: 5, answeredAt: 10);
        for (var position = 10; Effects(FeedEffectKind.TailGap).Count == 0; position++)
        {
            position.ShouldBeLessThan(14);
            Beat(position, position + 1, ("a", position + 1));
            Pass(TimeSpan.FromMilliseconds(100));
        }
    }

    [Fact]
    public void A_beat_at_or_below_the_known_position_is_dropped()
    {
        Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12);
        _effects.Clear();
        Beat(10, 12, ("a", 12));
        Beat(8, 11, ("a", 11));
        Pass(Grace);
        _effects.ShouldAllBe(effect => effect.Kind == FeedEffectKind.BeatHeard);
    }

    [Fact]
    public void A_beat_of_a_feed_that_stands_still_starts_failed_recoveries_again_and_checks_who_joined_with_an_old_seed()
    {
        Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12);
        var marks = new Marks();
        marks.Apply(7);
        var late = new FeedMember(new SyncedKey("acme", "user", "late"), marks);
        _tracker.Join(late);
        _effects.Clear();
        Beat(12, 12);
        Beat(12, 12);
        Effects(FeedEffectKind.BeatHeard).Count.ShouldBe(2);
        Effects(FeedEffectKind.Check).ShouldBe([new(FeedEffectKind.Check, late, Feed, History, new(12))], "once for each chain");
    }

    [Fact]
    public void A_joiner_whose_seed_is_of_a_new_history_is_not_held_to_the_positions_of_the_old()
    {
        Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 50);
        var marks = new Marks();
        marks.Reset(78);
        marks.Apply(4);
        var late = new FeedMember(new SyncedKey("acme", "user", "late"), marks);
        _tracker.Join(late);
        Beat(7, 8, history: 78);
        Effects(FeedEffectKind.Check).FindAll(effect => effect.Member == late)
            .ShouldBe([new(FeedEffectKind.Check, late, Feed, new(78), new(7))]);
    }

    [Fact]
    public void An_overlapping_beat_of_a_takeover_is_normal()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12);
        Beat(9, 14, ("b", 13));
        Effects(FeedEffectKind.Check).ShouldBeEmpty();
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, History, new(14)), _now, true));
    }

    [Fact]
    public void An_idle_beat_says_that_what_was_current_still_is()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12);
        Pass(TimeSpan.FromSeconds(1));
        Beat(12, 12);
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, History, new(12)), TimeSpan.FromSeconds(1), true));
    }

    [Fact]
    public void Missed_beats_check_every_key_of_that_feed_and_of_no_other()
    {
        var (a, marks) = Joined("a", applied: 5, answeredAt: 10);
        Joined("b", applied: 5, answeredAt: 10, feed: 4, vault: "elsewhere");
        Beat(10, 12);
        Beat(20, 25);
        Effects(FeedEffectKind.Check).ShouldBe([new(FeedEffectKind.Check, a, Feed, History, new(20))]);
        Fresh(a).ShouldBe(new FeedFreshness(true, new(Feed, History, new(12)), Zero, false), "what was known stays known");

        _tracker.Answered(a, Feed, History, new(24), _now, _effects);
        Fresh(a).At.Position.ShouldBe(new Position(25));
        Fresh(a).IsCurrent.ShouldBeTrue();
        _effects.Clear();
        Beat(25, 26);
        Effects(FeedEffectKind.Check).ShouldBeEmpty();
        marks.Apply(27);
    }

    [Fact]
    public void A_joiner_whose_first_beat_begins_above_its_position_checks_at_once_and_once()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(15, 20);
        Effects(FeedEffectKind.Check).Select(effect => effect.Member).ShouldBe([member]);
        Beat(20, 21);
        Effects(FeedEffectKind.Check).Count.ShouldBe(1);
    }

    [Fact]
    public void A_joiner_whose_answer_stands_within_the_first_beat_need_not_check()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(8, 20, ("b", 15));
        Effects(FeedEffectKind.Check).ShouldBeEmpty();
        Fresh(member).At.Position.ShouldBe(new Position(20));
    }

    [Fact]
    public void A_seed_that_is_older_than_the_beats_checks_although_it_never_fetched()
    {
        var marks = new Marks();
        marks.Apply(5);
        var member = new FeedMember(new("acme", "user", "a"), marks);
        _tracker.Join(member);
        Beat(10, 12);
        Effects(FeedEffectKind.Check).Select(effect => effect.Member).ShouldBe([member]);
        Fresh(member).At.Position.ShouldBe(new Position(5), "a full object is current as of its own position");
    }

    [Fact]
    public void A_change_named_before_the_feed_of_the_vault_was_known_counts()
    {
        var marks = new Marks();
        var member = new FeedMember(new("acme", "user", "a"), marks);
        _tracker.Join(member);
        Beat(10, 12, ("a", 12));
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).Single().Member.ShouldBe(member);
        Fresh(member).ShouldBe(FeedFreshness.Unknown);
    }

    [Fact]
    public void Another_history_resets_the_feed_and_forgets_what_was_known()
    {
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 12);
        Beat(0, 3, 78);
        Effects(FeedEffectKind.HistoryReplaced).ShouldBe([new(FeedEffectKind.HistoryReplaced, null, Feed, new(78), Position.Start)]);
        Fresh(member).IsCurrent.ShouldBeFalse();
        marks.Reset(78);
        marks.Apply(2);
        _tracker.Answered(member, Feed, new(78), new(3), _now, _effects);
        Beat(3, 4, 78);
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, new(78), new(4)), _now, true));
    }

    [Fact]
    public void An_answer_of_another_history_resets_every_key_of_the_feed_and_keeps_what_its_beats_named()
    {
        var (asked, _) = Joined("a", applied: 5, answeredAt: 10);
        var (other, marks) = Joined("b", applied: 500, answeredAt: 600);
        _tracker.Answered(asked, Feed, new(78), new(4), _now, _effects);
        Effects(FeedEffectKind.HistoryReplaced).ShouldBe([new(FeedEffectKind.HistoryReplaced, null, Feed, new(78), Position.Start)]);
        _tracker.Receive(MakeBeat(3, 7, 78, ("b", 7)), _now, _effects);
        marks.Reset(78);
        marks.Apply(5);
        _tracker.Answered(other, Feed, new(78), new(6), _now, _effects); // read before the change at 7
        Fresh(other).ShouldBe(new FeedFreshness(true, new(Feed, new(78), new(6)), _now, false));
    }

    [Fact]
    public void Of_equal_checksums_the_largest_offset_counts_and_an_answer_settles_a_collision()
    {
        var (member, _) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 14, ("a", 11), ("a", 14));
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).Single().Position.ShouldBe(new Position(14));
        _tracker.Answered(member, Feed, History, new(14), _now, _effects); // nothing newer: it was the other key
        Fresh(member).IsCurrent.ShouldBeTrue();
        _effects.Clear();
        Beat(14, 15);
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).ShouldBeEmpty();
    }

    [Fact]
    public void Local_keys_of_equal_checksum_are_all_looked_at_and_leave_one_by_one()
    {
        var first = new FeedMember(new("acme", "user", "a"), new Marks());
        var second = new FeedMember(new("acme", "user", "a"), new Marks());
        var third = new FeedMember(new("acme", "user", "a"), new Marks());
        foreach (var member in new[] { first, second, third }) _tracker.Join(member);
        _tracker.Leave(second);
        _tracker.Leave(second);
        Beat(10, 12, ("a", 12));
        Pass(Grace);
        Effects(FeedEffectKind.TailGap).Select(effect => effect.Member).ShouldBe([third, first]);
        _tracker.Leave(third);
        _tracker.Leave(first);
        _tracker.Count.ShouldBe(0);
    }

    [Fact]
    public void A_replica_is_never_current_while_a_named_change_is_outstanding()
    {
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 11);
        Fresh(member).IsCurrent.ShouldBeTrue();
        Beat(11, 14, ("a", 13));
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, History, new(11)), Zero, false));
        marks.Apply(13);
        Fresh(member).ShouldBe(new FeedFreshness(true, new(Feed, History, new(14)), Zero, true));
    }

    [Fact]
    public void An_answer_that_was_refused_does_not_make_a_replica_current()
    {
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        marks.Refuse(12);
        _tracker.Answered(member, Feed, History, new(20), _now, _effects);
        Fresh(member).At.Position.ShouldBe(new Position(10));
        Fresh(member).IsCurrent.ShouldBeFalse();
    }

    [Fact]
    public void A_live_envelope_makes_a_replica_current_as_of_its_own_position()
    {
        var (member, marks) = Joined("a", applied: 5, answeredAt: 10);
        marks.Apply(40);
        Fresh(member).At.Position.ShouldBe(new Position(40));
    }

    [Fact]
    public void A_joiner_of_a_known_feed_is_not_held_to_be_current_for_beats_before_it_joined()
    {
        Joined("a", applied: 5, answeredAt: 10);
        Beat(10, 20, ("b", 15)); // "b" is nobody's yet
        var late = new Marks();
        late.Apply(12);
        var member = new FeedMember(new("acme", "user", "b"), late);
        _tracker.Join(member);
        Fresh(member).At.Position.ShouldBe(new Position(12));
        Beat(20, 21);
        Effects(FeedEffectKind.Check).Select(effect => effect.Member).ShouldBe([member]);
    }

    [Fact]
    public void With_beats_ignored_a_lost_tail_is_never_found()
    {
        var tracker = new FeedTrackerCore(Grace, new PlantedFaults { IgnoreBeats = true });
        tracker.Join(new FeedMember(new("acme", "user", "a"), new Marks()));
        tracker.Receive(MakeBeat(10, 12, 77, ("a", 12)), Zero, _effects);
        tracker.Advance(TimeSpan.FromSeconds(10), _effects);
        _effects.ShouldBeEmpty();
    }

    private static readonly TimeSpan Zero = TimeSpan.Zero;

    private (FeedMember Member, Marks Marks) Joined(string key, long applied, long answeredAt, int feed = 3, string vault = "acme")
    {
        var marks = new Marks(feed);
        var member = new FeedMember(new(vault, "user", key), marks);
        _tracker.Join(member);
        marks.Apply(applied);
        _tracker.Answered(member, new(feed), History, new(answeredAt), _now, _effects);
        return (member, marks);
    }

    private void Beat(long prev, long position, params (string Key, long Position)[] changed) =>
        _tracker.Receive(MakeBeat(prev, position, 77, changed), _now, _effects);

    private void Beat(long prev, long position, long history) => _tracker.Receive(MakeBeat(prev, position, history), _now, _effects);

    private static Beat MakeBeat(long prev, long position, long history, params (string Key, long Position)[] changed) => new()
    {
        Feed = Feed,
        History = new(history),
        Prev = new(prev),
        Position = new(position),
        Keys = [.. changed.Select(key => new BeatKey(Crc32.Of(new SyncedKey("acme", "user", key.Key)), (uint)(key.Position - prev)))],
    };

    private void Pass(TimeSpan by)
    {
        _now += by;
        _tracker.Advance(_now, _effects);
    }

    private List<FeedEffect> Effects(FeedEffectKind kind) => _effects.FindAll(effect => effect.Kind == kind);

    private FeedFreshness Fresh(FeedMember member) => _tracker.FreshnessOf(member, _now);

    private FeedWaitState Waiting(FeedWaits waits, FeedMember member, long position, int feed = 3, long history = 77)
    {
        var wait = new FeedWait(member, new(new(feed), new(history), new(position)));
        waits.TryAdd(wait, _now);
        return wait.State;
    }

    private List<FeedWait> Over(FeedWaits waits)
    {
        var over = new List<FeedWait>();
        waits.Advance(_now, over, []);
        return over;
    }

    private static List<FeedWait> Asks(FeedWaits waits, TimeSpan now)
    {
        var asks = new List<FeedWait>();
        waits.Advance(now, [], asks);
        return asks;
    }

    private sealed class Marks(int feed = 3) : IReplicaMarks
    {
        private FeedPosition _applied, _seen;
        private long _resets;
        private bool _isAbsent;

        public ReplicaMarks Read() =>
            new(_applied, _seen, _resets, (_isAbsent || _applied.Position.Value > 0) && _seen.Position <= _applied.Position);

        public void Miss() => _isAbsent = true;

        public void Apply(long position) => _applied = _seen = new(new(feed), _seen.History.Value == 0 ? History : _seen.History, new(position));

        public void Refuse(long position) => _seen = _seen with { Position = new(position) };

        public void Reset(long history) =>
            (_applied, _seen, _resets) = (default, new(new(feed), new(history), Position.Start), _resets + 1);
    }
}

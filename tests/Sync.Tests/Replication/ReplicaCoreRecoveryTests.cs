using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CoreOf;

namespace Sync.Tests.Replication;

public sealed class ReplicaCoreRecoveryTests
{
    [Fact]
    public void A_request_that_arrives_while_one_is_in_flight_is_coalesced()
    {
        var core = At(1);
        core.Live(Put(3));
        core.Live(Put(5)).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Check(default);
        (core.Counters.Refetches, core.Counters.Coalesced, core.Counters.Gaps).ShouldBe((1, 2, 2));
        core.Need.Position.ShouldBe(new Position(50));
    }

    [Fact]
    public void An_answer_equal_to_the_applied_sequence_confirms_it()
    {
        var core = At(4);
        core.Check(default).ShouldBe(ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        core.Answer(Put(4)).ShouldBe(ReplicaEffects.StatusChanged);
        (core.Status, core.Counters.Applied, core.Counters.IgnoredStale).ShouldBe((ReplicaStatus.Ok, 1, 0));
    }

    [Fact]
    public void An_answer_older_than_what_the_replica_has_by_then_is_ignored()
    {
        var core = At(4);
        core.Check(default);
        core.Live(Put(5));
        core.Answer(Put(4));
        (core.Value, core.Sequence.Value, core.Status, core.Counters.IgnoredStale).ShouldBe(("v5", 5, ReplicaStatus.Ok, 1));
    }

    [Fact]
    public void A_newer_answer_is_applied_and_a_jump_in_it_is_no_gap()
    {
        var core = At(1);
        core.TailGap(new(new(3), History, new(90)));
        core.Answer(Put(9)).ShouldBe(ReplicaEffects.Applied | ReplicaEffects.StatusChanged);
        (core.Value, core.Status, core.Counters.Gaps, core.Counters.TailGaps).ShouldBe(("v9", ReplicaStatus.Ok, 0, 1));
    }

    [Fact]
    public void An_answer_that_is_asked_again_leaves_the_recovery_in_flight()
    {
        var core = At(1);
        core.TailGap(new(new(3), History, new(90)));
        core.Answer(Put(2), again: true);
        (core.Value, core.Status, core.IsIdle).ShouldBe(("v2", ReplicaStatus.Refetching, false));
        core.Answer(Put(9));
        (core.Value, core.Status, core.IsIdle).ShouldBe(("v9", ReplicaStatus.Ok, true));
    }

    [Fact]
    public void Sequence_zero_in_an_answer_means_known_absent()
    {
        var core = Text();
        core.Check(default);
        core.Answer(Absent()).ShouldBe(ReplicaEffects.Cleared | ReplicaEffects.StatusChanged);
        (core.HasValue, core.Sequence.Value, core.Status).ShouldBe((false, 0, ReplicaStatus.Ok));
        core.Live(Put(1)).ShouldBe(ReplicaEffects.Applied);
        core.Counters.Gaps.ShouldBe(0);
    }

    [Fact]
    public void After_known_absent_a_skipped_first_sequence_is_a_gap()
    {
        var core = Text();
        core.Answer(Absent());
        core.Live(Put(3));
        core.Counters.Gaps.ShouldBe(1);
    }

    [Fact]
    public void Known_absent_never_clears_a_value_of_the_same_history_and_never_comes_live()
    {
        var core = At(2);
        core.Answer(Absent());
        core.Value.ShouldBe("v2");
        var empty = Text();
        empty.Live(Absent()).ShouldBe(ReplicaEffects.None);
        empty.Sequence.ShouldBe(Sequence.Unknown);
    }

    [Fact]
    public void A_refused_sequence_is_refetched_once_and_not_again_until_the_head_changes()
    {
        var core = At(1);
        core.Live(Put(2, "!bad")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Answer(Put(2, "!bad"));
        core.Status.ShouldBe(ReplicaStatus.Skew);
        for (var copy = 0; copy < 10; copy++) core.Live(Put(2, "!bad")).HasFlag(ReplicaEffects.Refetch).ShouldBeFalse();
        core.Counters.Refetches.ShouldBe(1);
        core.Have.ShouldBe(new Sequence(2));

        core.Live(Put(3, "!bad")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Counters.Refetches.ShouldBe(2);
    }

    [Fact]
    public void A_refused_major_is_refetched_once_however_many_envelopes_follow_in_it()
    {
        var core = At(1);
        core.Live(Put(2, version: "2.0")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Answer(Put(2, version: "2.0"));
        for (var sequence = 3; sequence < 50; sequence++)
            core.Live(Put(sequence, version: "2.1")).HasFlag(ReplicaEffects.Refetch).ShouldBeFalse();
        (core.Counters.Refetches, core.Counters.SchemaSkews, core.Status).ShouldBe((1, 49, ReplicaStatus.Skew));

        core.Live(Put(50, version: "3.0")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Answer(Put(51, version: "1.0"));
        (core.Value, core.Status, core.IsCurrent).ShouldBe(("v51", ReplicaStatus.Ok, true));
    }

    [Fact]
    public void A_refused_envelope_that_overtook_an_older_answer_is_asked_for_once_more()
    {
        var core = At(1);
        core.Live(Put(2, version: "2.0"));
        core.Live(Put(3, version: "2.0")).HasFlag(ReplicaEffects.Refetch).ShouldBeFalse();
        core.Answer(Put(2, version: "1.0")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Need.Position.ShouldBe(new Position(30));
        core.Answer(Put(3, version: "1.0"));
        (core.Value, core.Status, core.IsCurrent, core.Counters.Refetches).ShouldBe(("v3", ReplicaStatus.Ok, true, 2));
    }

    [Fact]
    public void When_the_expectation_changes_a_refused_head_is_asked_for_again_and_passes()
    {
        var core = At(1);
        core.Live(Put(2, version: "2.0"));
        core.Answer(Put(2, version: "2.0"));
        core.Expect(new("2.0")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.Have.ShouldBe(new Sequence(1));
        core.Answer(Put(2, version: "2.0"));
        (core.Value, core.Status).ShouldBe(("v2", ReplicaStatus.Ok));
        core.Expect(new("2.0")).ShouldBe(ReplicaEffects.None);
    }

    [Fact]
    public void An_answer_that_was_refused_ends_in_skew_and_asks_no_more()
    {
        var core = Text();
        core.Check(default);
        core.Answer(Put(7, "!bad")).HasFlag(ReplicaEffects.Refetch).ShouldBeFalse();
        (core.Status, core.HasValue, core.IsIdle).ShouldBe((ReplicaStatus.Skew, false, true));
        core.Check(default);
        core.Answered(null, new(7), History, again: false);
        core.Status.ShouldBe(ReplicaStatus.Skew, "nothing newer than a refused head confirms no value");
    }

    [Fact]
    public void Failed_attempts_are_counted_and_the_last_one_ends_in_stale()
    {
        var core = At(1);
        core.Check(default);
        core.RefetchFailed(isLast: false);
        (core.Status, core.IsIdle).ShouldBe((ReplicaStatus.Refetching, false));
        core.RefetchFailed(isLast: true).ShouldBe(ReplicaEffects.StatusChanged);
        (core.Status, core.IsIdle, core.Counters.RefetchFailures, core.Value).ShouldBe((ReplicaStatus.Stale, true, 2, "v1"));
    }

    [Fact]
    public void After_a_failed_recovery_the_next_inbound_envelope_starts_again_even_a_late_one()
    {
        var core = At(1);
        core.Check(default);
        core.RefetchFailed(isLast: true);
        core.Live(Put(1)).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        (core.Status, core.Counters.Refetches).ShouldBe((ReplicaStatus.Refetching, 2));
    }

    [Fact]
    public void After_a_failed_recovery_the_next_beat_starts_again_and_only_then()
    {
        var core = At(1);
        core.BeatHeard().ShouldBe(ReplicaEffects.None);
        core.Check(default);
        core.RefetchFailed(isLast: true);
        core.BeatHeard().HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        core.BeatHeard().ShouldBe(ReplicaEffects.None);
    }

    [Fact]
    public void A_refused_sequence_whose_refetch_failed_may_be_refetched_again()
    {
        var core = At(1);
        core.Live(Put(2, "!bad"));
        core.RefetchFailed(isLast: true);
        core.Live(Put(2, "!bad")).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
    }

    [Fact]
    public void Another_history_resets_keeps_showing_the_old_value_and_refetches()
    {
        var core = At(9);
        core.Live(Put(3, history: 78))
            .ShouldBe(ReplicaEffects.Reset | ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        (core.Value, core.Sequence, core.Status).ShouldBe(("v9", Sequence.Unknown, ReplicaStatus.Refetching));
        core.Answer(Put(4, history: 78), history: 78);
        (core.Value, core.Sequence.Value, core.Status, core.Counters.Resets).ShouldBe(("v4", 4, ReplicaStatus.Ok, 1));
    }

    [Fact]
    public void After_a_reset_whose_refetch_fails_the_old_value_is_shown_as_stale()
    {
        var core = At(9);
        core.Live(Put(3, history: 78));
        core.RefetchFailed(isLast: true);
        (core.Value, core.Status).ShouldBe(("v9", ReplicaStatus.Stale));
    }

    [Fact]
    public void Without_a_refetch_a_reset_takes_the_new_history_at_its_word()
    {
        var core = At(9, new ReplicaRules { CanRefetch = false });
        core.Live(Put(3, history: 78)).HasFlag(ReplicaEffects.Reset).ShouldBeTrue();
        (core.Value, core.Sequence.Value, core.Status).ShouldBe(("v3", 3, ReplicaStatus.Ok));
    }

    [Fact]
    public void An_envelope_of_a_replaced_history_that_comes_late_is_not_shown()
    {
        var core = At(9);
        core.Live(Put(3, history: 78));
        core.Answer(Put(3, history: 78), history: 78);
        core.Live(Put(10, history: 77)).HasFlag(ReplicaEffects.Applied).ShouldBeFalse();
        core.Value.ShouldBe("v3");
        core.Answer(Put(3, history: 78), history: 78);
        (core.Value, core.Sequence.Value, core.Status).ShouldBe(("v3", 3, ReplicaStatus.Ok));
    }

    [Fact]
    public void Nothing_newer_in_another_history_confirms_nothing()
    {
        var core = At(9);
        core.Check(default);
        core.Answer(null, history: 78).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        (core.Have, core.Status).ShouldBe((Sequence.Unknown, ReplicaStatus.Refetching));
        core.Answer(Put(2, history: 78), history: 78);
        (core.Value, core.Sequence.Value).ShouldBe(("v2", 2));
    }

    [Fact]
    public void A_known_absent_answer_of_a_new_history_clears_the_value()
    {
        var core = At(9);
        core.HistoryReplaced(new(78)).HasFlag(ReplicaEffects.Reset).ShouldBeTrue();
        core.Answer(new Envelope { Key = Key, Value = default, Sequence = Sequence.None, History = new(78) }, history: 78);
        (core.HasValue, core.Sequence.Value, core.Status).ShouldBe((false, 0, ReplicaStatus.Ok));
    }

    [Fact]
    public void An_answer_for_another_local_replica_says_nothing_to_one_that_has_less()
    {
        var core = At(3);
        core.Answered(null, new(5), History, again: false).ShouldBe(ReplicaEffects.None);
        core.Check(default);
        core.Answered(null, new(5), History, again: false);
        core.Status.ShouldBe(ReplicaStatus.Refetching);
    }

    [Fact]
    public void An_answer_settles_a_replica_unless_it_leaves_out_what_the_replica_lacks()
    {
        var core = At(3);
        core.Answered(null, new(3), History, again: false).HasFlag(ReplicaEffects.Settled).ShouldBeTrue();
        core.Answered(Put(4), new(3), History, again: false).HasFlag(ReplicaEffects.Settled).ShouldBeTrue();
        core.Answered(null, new(5), History, again: false).HasFlag(ReplicaEffects.Settled).ShouldBeFalse();
        core.Answered(null, new(4), new(78), again: false).HasFlag(ReplicaEffects.Settled).ShouldBeFalse();
    }

    [Fact]
    public void An_envelope_without_history_or_position_is_enough_to_follow()
    {
        var core = Text();
        Envelope Bare(long sequence) => new() { Key = Key, Value = "x"u8.ToArray(), SchemaVersion = new("1.0"), Sequence = new(sequence) };
        core.Live(Bare(1));
        core.Live(Bare(2));
        core.Live(Bare(2));
        (core.Sequence.Value, core.Status, core.Counters.IgnoredStale, core.Counters.Resets).ShouldBe((2, ReplicaStatus.Ok, 1, 0));
    }
}

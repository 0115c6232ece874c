using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CoreOf;

namespace Sync.Tests.Replication;

public sealed class ReplicaCoreBackfillTests
{
    private static readonly ReplicaRules Rules = new() { Gaps = GapPolicy.Backfill, Expected = new("1.0"), BackfillHeldMax = 3 };
    private readonly List<string?> _seen = [];

    [Fact]
    public void A_gap_holds_the_newer_envelope_until_the_missed_ones_were_delivered_in_order()
    {
        var core = At(1, Rules);
        Live(core, Put(4)).ShouldBe(ReplicaEffects.FetchHistory | ReplicaEffects.StatusChanged);
        (core.Value, core.Status, core.IsIdle, core.IsCurrent, core.Counters.Gaps).ShouldBe(("v1", ReplicaStatus.Refetching, false, false, 1));
        Live(core, Put(5)).ShouldBe(ReplicaEffects.None);
        History(core, Put(2));
        History(core, Put(3));
        _seen.ShouldBe(["v2", "v3", "v4", "v5"]);
        (core.Status, core.IsIdle, core.IsCurrent).ShouldBe((ReplicaStatus.Ok, true, true));
        Live(core, Put(6)).ShouldBe(ReplicaEffects.Applied);
    }

    [Fact]
    public void A_held_tombstone_is_delivered_in_its_turn()
    {
        var core = At(1, Rules);
        Live(core, Tombstone(3));
        History(core, Put(2));
        _seen.ShouldBe(["v2", null]);
        core.HasValue.ShouldBeFalse();
    }

    [Fact]
    public void When_the_history_brings_a_held_envelope_too_it_is_applied_once()
    {
        var core = At(1, Rules);
        Live(core, Put(3));
        foreach (var sequence in new[] { 2, 3 }) History(core, Put(sequence));
        End(core, complete: true);
        _seen.ShouldBe(["v2", "v3"]);
        core.Status.ShouldBe(ReplicaStatus.Ok);
    }

    [Fact]
    public void When_the_history_ends_with_a_hole_the_held_ones_follow_as_they_are()
    {
        var core = At(1, Rules);
        Live(core, Put(5));
        Live(core, Put(6));
        History(core, Put(4));
        End(core, complete: true);
        _seen.ShouldBe(["v4", "v5", "v6"]);
        core.Counters.BackfillsAbandoned.ShouldBe(0);
    }

    [Fact]
    public void What_was_lost_after_the_history_was_read_is_asked_for_once_more()
    {
        var core = At(1, Rules);
        Live(core, Put(3));
        History(core, Put(2));
        Live(core, Put(5)).HasFlag(ReplicaEffects.FetchHistory).ShouldBeTrue();
        var round = core.BackfillRound;
        Live(core, Put(7));
        History(core, Put(4));
        core.HistoryEnded(round, complete: true).ShouldBe(ReplicaEffects.FetchHistory);
        Release(core);
        _seen.ShouldBe(["v2", "v3", "v4", "v5"]);
        History(core, Put(6));
        End(core, complete: true);
        _seen.ShouldBe(["v2", "v3", "v4", "v5", "v6", "v7"]);
        (core.Status, core.IsIdle).ShouldBe((ReplicaStatus.Ok, true));
    }

    [Fact]
    public void A_refused_answer_far_ahead_hides_no_gap_below_it()
    {
        var core = At(1, Rules);
        core.Check(default);
        History(core, Put(2));
        core.Answer(Put(3, version: "2.0"));
        Live(core, Put(4)).ShouldNotBe(ReplicaEffects.FetchHistory);
        _seen.ShouldBe(["v2", "v4"]);

        var newborn = Text(Rules);
        newborn.Check(default);
        newborn.Answer(Put(9, version: "2.0"));
        Live(newborn, Put(1));
        Live(newborn, Put(3)).HasFlag(ReplicaEffects.FetchHistory).ShouldBeTrue("2 is missing, although 9 was seen");
        History(newborn, Put(2));
        _seen.ShouldBe(["v2", "v4", "v1", "v2", "v3"]);
    }

    [Fact]
    public void One_held_envelope_too_many_abandons_the_backfill_for_the_newest_and_confirms_it()
    {
        var core = At(1, Rules);
        foreach (var sequence in new[] { 3, 4, 5 }) Live(core, Put(sequence)).HasFlag(ReplicaEffects.Applied).ShouldBeFalse();
        Live(core, Put(6)).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        _seen.ShouldBe(["v6"]);
        (core.Counters.BackfillsAbandoned, core.Status).ShouldBe((1, ReplicaStatus.Refetching));
        core.Answer(null);
        core.Status.ShouldBe(ReplicaStatus.Ok);
        Live(core, Put(7));
        _seen.ShouldBe(["v6", "v7"]);
    }

    [Fact]
    public void A_backfill_that_took_too_long_is_abandoned_for_the_newest()
    {
        var core = At(1, Rules);
        Live(core, Put(3));
        Live(core, Put(4));
        End(core, complete: false).HasFlag(ReplicaEffects.Refetch).ShouldBeTrue();
        _seen.ShouldBe(["v4"]);
        core.Counters.BackfillsAbandoned.ShouldBe(1);
    }

    [Fact]
    public void The_late_end_of_an_earlier_backfill_does_not_end_the_next()
    {
        var core = At(1, Rules);
        Live(core, Put(3));
        var round = core.BackfillRound;
        History(core, Put(2));
        Live(core, Put(6));
        core.HistoryEnded(round, complete: true);
        Release(core);
        _seen.ShouldBe(["v2", "v3"]);
        core.BackfillRound.ShouldBe(round + 1);
    }

    [Fact]
    public void A_refetch_answer_that_jumps_is_held_too()
    {
        var core = At(1, Rules);
        core.TailGap(new(new(3), CoreOf.History, new(40)));
        core.Answer(Put(4)).HasFlag(ReplicaEffects.FetchHistory).ShouldBeTrue();
        History(core, Put(2));
        History(core, Put(3));
        _seen.ShouldBe(["v2", "v3", "v4"]);
        core.Status.ShouldBe(ReplicaStatus.Ok);
    }

    [Fact]
    public void A_reset_forgets_what_is_held()
    {
        var core = At(1, Rules);
        Live(core, Put(3));
        Live(core, Put(2, history: 78)).HasFlag(ReplicaEffects.Reset).ShouldBeTrue();
        End(core, complete: true);
        _seen.ShouldBeEmpty();
    }

    private ReplicaEffects Live(ReplicaCore<string> core, Envelope envelope) =>
        Note(core, core.Receive(envelope, EnvelopeOrigin.Live)) | Release(core);

    private void History(ReplicaCore<string> core, Envelope envelope)
    {
        Note(core, core.Receive(envelope, EnvelopeOrigin.History));
        Release(core);
    }

    private ReplicaEffects End(ReplicaCore<string> core, bool complete)
    {
        core.HistoryEnded(core.BackfillRound, complete);
        return Release(core);
    }

    private ReplicaEffects Release(ReplicaCore<string> core)
    {
        var all = ReplicaEffects.None;
        while (core.TryReleaseHeld(out var effects)) all |= Note(core, effects);
        return all;
    }

    private ReplicaEffects Note(ReplicaCore<string> core, ReplicaEffects effects)
    {
        if ((effects & (ReplicaEffects.Applied | ReplicaEffects.Cleared)) != 0) _seen.Add(core.Value);
        return effects;
    }
}

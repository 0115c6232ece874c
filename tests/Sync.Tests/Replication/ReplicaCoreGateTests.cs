using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing.Replication;
using Xunit;
using static Sync.Tests.Replication.CoreOf;

namespace Sync.Tests.Replication;

public sealed class ReplicaCoreGateTests
{
    [Fact]
    public void Before_the_first_value_sequence_is_minus_one_schema_version_null_and_status_stale()
    {
        var core = Text();
        core.Metadata.ShouldBe(ReplicaMetadata.Initial);
        core.Sequence.Value.ShouldBe(-1);
        core.SchemaVersion.Text.ShouldBeNull();
        core.Status.ShouldBe(ReplicaStatus.Stale);
        core.HasValue.ShouldBeFalse();
        core.IsIdle.ShouldBeTrue();
    }

    [Fact]
    public void The_first_envelope_is_applied_and_never_a_gap()
    {
        var core = Text();
        core.Live(Put(17)).ShouldBe(ReplicaEffects.Applied | ReplicaEffects.StatusChanged);
        (core.Value, core.Sequence.Value, core.Status).ShouldBe(("v17", 17, ReplicaStatus.Ok));
        core.Metadata.At.ShouldBe(new FeedPosition(new(3), History, new(170)));
        core.Counters.Gaps.ShouldBe(0);
    }

    [Fact]
    public void The_next_sequence_is_applied_without_a_request()
    {
        var core = At(1);
        core.Live(Put(2)).ShouldBe(ReplicaEffects.Applied);
        (core.Counters.Applied, core.Counters.Gaps, core.Counters.Refetches).ShouldBe((2, 0, 0));
    }

    [Fact]
    public void An_envelope_of_another_key_is_counted_and_dropped()
    {
        var core = Text();
        core.Live(Put(1, key: new("acme", "user", "124"))).ShouldBe(ReplicaEffects.None);
        core.Live(Put(1, key: default(SyncedKey))).ShouldBe(ReplicaEffects.None);
        (core.Counters.WrongKey, core.HasValue).ShouldBe((2, false));
    }

    [Fact]
    public void A_disposed_replica_drops_everything_and_keeps_its_last_value()
    {
        var core = At(1);
        core.Dispose();
        core.Live(Put(2)).ShouldBe(ReplicaEffects.None);
        core.Answer(Put(3)).ShouldBe(ReplicaEffects.None);
        core.Check(default).ShouldBe(ReplicaEffects.None);
        core.TailGap(new(new(3), History, new(50))).ShouldBe(ReplicaEffects.None);
        core.RefetchFailed(true).ShouldBe(ReplicaEffects.None);
        (core.Value, core.Counters.Applied).ShouldBe(("v1", 1));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    [InlineData(0)]
    [InlineData(-1)]
    public void What_is_not_newer_is_ignored_and_neither_gated_nor_counted_as_a_skew(long sequence)
    {
        var core = At(3);
        core.Live(Put(sequence, "!bad", "9.0")).ShouldBe(ReplicaEffects.None);
        var counters = core.Counters;
        (counters.IgnoredStale, counters.SchemaSkews, counters.ParseErrors).ShouldBe((1, 0, 0));
        (core.Value, core.Status).ShouldBe(("v3", ReplicaStatus.Ok));
    }

    [Fact]
    public void A_tombstone_clears_the_value_and_skips_both_gates()
    {
        var core = At(1);
        core.Live(Put(2, "!bad", "9.0", op: ChangeOp.Delete)).ShouldBe(ReplicaEffects.Cleared);
        (core.HasValue, core.Value, core.Sequence.Value, core.Status).ShouldBe((false, null, 2, ReplicaStatus.Ok));
        core.Live(Put(3)).ShouldBe(ReplicaEffects.Applied);
        (core.HasValue, core.Value).ShouldBe((true, "v3"));
    }

    [Fact]
    public void A_nil_value_alone_is_not_a_tombstone()
    {
        var core = At(1);
        core.Live(Put(2, "")).ShouldBe(ReplicaEffects.Applied);
        (core.HasValue, core.Value).ShouldBe((true, ""));
    }

    [Fact]
    public void Another_major_is_a_skew_that_is_not_applied_and_is_refetched()
    {
        var core = At(1);
        core.Live(Put(2, version: "2.0")).ShouldBe(ReplicaEffects.Refused | ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        (core.Value, core.Sequence.Value, core.Status).ShouldBe(("v1", 1, ReplicaStatus.Refetching));
        (core.Counters.SchemaSkews, core.Counters.Refetches, core.Counters.ParseErrors).ShouldBe((1, 1, 0));
        core.IsCurrent.ShouldBeFalse();
    }

    [Theory]
    [InlineData("1.7")]
    [InlineData("01.7")]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("2")]
    [InlineData("v2.0")]
    public void Another_minor_or_a_missing_or_malformed_version_passes_the_major_gate(string? version)
    {
        var core = At(1);
        core.Live(Put(2, version: version)).ShouldBe(ReplicaEffects.Applied);
        core.SchemaVersion.Text.ShouldBe(version);
    }

    [Fact]
    public void Without_an_expected_version_the_major_gate_is_off()
    {
        var core = Text(new ReplicaRules());
        core.Live(Put(1, version: "9.0"));
        core.Live(Put(2, version: "3.0"));
        (core.Value, core.Counters.SchemaSkews).ShouldBe(("v2", 0));
    }

    [Fact]
    public void A_parse_error_keeps_the_old_value_and_is_refetched()
    {
        var core = At(1);
        core.Live(Put(2, "!bad")).ShouldBe(ReplicaEffects.Refused | ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        (core.Value, core.Sequence.Value, core.Seen.Value, core.LastError).ShouldBe(("v1", 1, 2, "begins with !"));
        (core.Counters.ParseErrors, core.Counters.SchemaSkews).ShouldBe((1, 0));
    }

    [Fact]
    public void A_schema_that_throws_is_a_parse_error_like_any_other()
    {
        var core = Text(schema: new TextSchema { Throws = true });
        core.Live(Put(1, "!bad")).HasFlag(ReplicaEffects.Refused).ShouldBeTrue();
        core.Counters.ParseErrors.ShouldBe(1);
    }

    [Fact]
    public void The_parse_gate_is_the_backstop_when_the_version_is_missing()
    {
        var core = At(1);
        core.Live(Put(2, "!bad", version: null));
        (core.Counters.ParseErrors, core.Value).ShouldBe((1, "v1"));
    }

    [Fact]
    public void A_skipped_sequence_is_a_gap_that_is_applied_and_confirmed_by_a_refetch()
    {
        var core = At(1);
        core.Live(Put(4)).ShouldBe(ReplicaEffects.Applied | ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        (core.Value, core.Sequence.Value, core.Status, core.Counters.Gaps).ShouldBe(("v4", 4, ReplicaStatus.Refetching, 1));
        core.Answer(null).ShouldBe(ReplicaEffects.StatusChanged);
        (core.Status, core.IsIdle).ShouldBe((ReplicaStatus.Ok, true));
    }

    [Fact]
    public void A_gap_is_measured_from_what_was_seen_so_a_refused_one_makes_none()
    {
        var core = At(1);
        core.Live(Put(2, "!bad"));
        core.Live(Put(3));
        (core.Counters.Gaps, core.Value).ShouldBe((0, "v3"));
    }

    [Fact]
    public void A_skipped_tombstone_is_a_gap_too()
    {
        var core = At(1);
        core.Live(Tombstone(3)).ShouldBe(ReplicaEffects.Cleared | ReplicaEffects.Refetch | ReplicaEffects.StatusChanged);
        core.Counters.Gaps.ShouldBe(1);
    }

    [Fact]
    public void ApplyLatest_counts_the_gap_and_saves_the_request()
    {
        var core = At(1, new ReplicaRules { Gaps = GapPolicy.ApplyLatest });
        core.Live(Put(4)).ShouldBe(ReplicaEffects.Applied);
        (core.Status, core.Counters.Gaps, core.Counters.Refetches).ShouldBe((ReplicaStatus.Ok, 1, 0));
    }

    [Fact]
    public void Without_a_refetch_a_gap_is_applied_and_ends_in_stale_until_the_next_in_order()
    {
        var core = At(1, new ReplicaRules { CanRefetch = false });
        core.Live(Put(4)).ShouldBe(ReplicaEffects.Applied | ReplicaEffects.StatusChanged);
        (core.Value, core.Status, core.IsIdle).ShouldBe(("v4", ReplicaStatus.Stale, true));
        core.Live(Put(5));
        core.Status.ShouldBe(ReplicaStatus.Ok);
    }

    [Fact]
    public void Without_a_refetch_a_failed_gate_ends_in_stale_with_the_last_good_value_readable()
    {
        var core = At(1, new ReplicaRules { CanRefetch = false, Expected = new("1.0") });
        core.Live(Put(2, version: "2.0"));
        (core.Value, core.Status).ShouldBe(("v1", ReplicaStatus.Stale));
        core.Live(Put(3, "!bad"));
        (core.Value, core.Status, core.Counters.Refetches).ShouldBe(("v1", ReplicaStatus.Stale, 0));
    }

    [Fact]
    public void Planted_gaps_and_histories_go_unnoticed()
    {
        var blind = At(1, new ReplicaRules { Faults = new PlantedFaults { GapNotNoticed = true } });
        blind.Live(Put(4)).ShouldBe(ReplicaEffects.Applied);
        blind.Counters.Gaps.ShouldBe(0);
        var merged = At(9, new ReplicaRules { Faults = new PlantedFaults { HistoryResetIgnored = true } });
        merged.Live(Put(3, history: 78)).ShouldBe(ReplicaEffects.None);
        merged.Counters.Resets.ShouldBe(0);
    }

    [Fact]
    public void A_seed_passes_the_same_gates()
    {
        var core = Text();
        core.Receive(Put(5, "!bad"), EnvelopeOrigin.Seed).HasFlag(ReplicaEffects.Refused).ShouldBeTrue();
        core.HasValue.ShouldBeFalse();
        core.Receive(Put(6, version: "2.0"), EnvelopeOrigin.Seed);
        (core.HasValue, core.Counters.SchemaSkews, core.Counters.ParseErrors).ShouldBe((false, 1, 1));
    }

    [Fact]
    public void An_applied_envelope_allocates_nothing_beyond_its_value_and_a_stale_one_nothing()
    {
        var envelopes = Enumerable.Range(1, 2000).Select(sequence => Put(sequence, "same")).ToArray();
        foreach (var envelope in envelopes) envelope.Parse(WarmSchema);
        var shared = new ReplicaCore<string>(Key, WarmSchema, new ReplicaRules { Expected = new("1.0") });
        for (var index = 0; index < 1000; index++) shared.Live(envelopes[index]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var index = 1000; index < 2000; index++) shared.Live(envelopes[index]);
        for (var index = 0; index < 2000; index++) shared.Live(envelopes[index]);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        (shared.Counters.Applied, shared.Counters.IgnoredStale).ShouldBe((2000, 2000));
    }

    private static readonly TextSchema WarmSchema = new();
}

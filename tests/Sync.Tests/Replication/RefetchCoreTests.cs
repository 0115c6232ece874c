using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.Replication;

public sealed class RefetchCoreTests
{
    private static readonly TimeSpan Zero = TimeSpan.Zero;
    private static readonly HistoryId History = new(77);
    private readonly RefetchCore _core = new(new RefetchOptions { AttemptsMax = 4 });

    [Fact]
    public void A_key_is_in_flight_once_and_requests_meanwhile_join_it()
    {
        Request("a").ShouldBe(RefetchVerdict.Queued);
        Request("a").ShouldBe(RefetchVerdict.Coalesced);
        _core.TryStart(Zero, out var batch).ShouldBeTrue();
        Request("a", need: 5).ShouldBe(RefetchVerdict.Coalesced);
        _core.TryStart(Zero, out _).ShouldBeFalse();
        Answer(batch, position: 9);
        batch.Outcomes.ShouldBe([RefetchOutcome.Done]);
        (_core.KeyCount, _core.InFlight).ShouldBe((0, 0));
    }

    [Fact]
    public void One_request_asks_for_many_keys_of_one_vault_with_the_least_that_any_replica_has()
    {
        Request("a", have: 7);
        Request("b", have: 3);
        Request("a", have: 4);
        _core.Request(new("other", "user", "c"), new(1), default, Zero);
        _core.TryStart(Zero, out var batch).ShouldBeTrue();
        batch.Vault.ShouldBe("acme");
        batch.Items.ShouldBe([new("user", "a", new(4)), new("user", "b", new(3))]);
        _core.TryStart(Zero, out batch).ShouldBeTrue();
        batch.Vault.ShouldBe("other");
    }

    [Fact]
    public void At_most_four_requests_are_in_flight_whatever_waits()
    {
        var core = new RefetchCore(new RefetchOptions { KeysPerRequestMax = 10 });
        for (var key = 0; key < 1000; key++) core.Request(new("acme", "user", $"{key}"), Sequence.Unknown, default, Zero);
        var batches = new Queue<RefetchBatch>();
        var sent = 0;
        while (core.KeyCount > 0)
        {
            while (core.TryStart(Zero, out var batch)) batches.Enqueue(batch);
            batches.Count.ShouldBe(Math.Min(4, 100 - sent));
            core.NextDue.HasValue.ShouldBe(batches.Count < 4 && sent + batches.Count < 100);
            core.Answered(batches.Dequeue(), History, new(1), 10, Zero, 0);
            sent++;
        }
        sent.ShouldBe(100);
    }

    [Fact]
    public void A_storm_of_a_hundred_thousand_keys_goes_out_in_full_batches_at_bounded_concurrency()
    {
        var core = new RefetchCore(new RefetchOptions());
        var spread = TimeSpan.FromMilliseconds(321); // one delay for all: they go out together
        for (var key = 0; key < 100_000; key++) core.Request(new("acme", "user", $"{key}"), new(1), default, spread);
        core.TryStart(spread - TimeSpan.FromMilliseconds(1), out _).ShouldBeFalse();
        core.NextDue.ShouldBe(spread);
        var requests = 0;
        var open = new Queue<RefetchBatch>();
        while (core.KeyCount > 0)
        {
            while (core.TryStart(spread, out var batch)) open.Enqueue(batch);
            open.Count.ShouldBeLessThanOrEqualTo(4);
            var answered = open.Dequeue();
            answered.Items.Count.ShouldBe(500);
            core.Answered(answered, History, new(1), 500, spread, 0);
            requests++;
        }
        requests.ShouldBe(200);
    }

    [Fact]
    public void A_full_queue_refuses_new_keys_and_still_joins_known_ones()
    {
        var core = new RefetchCore(new RefetchOptions { KeysMax = 2 });
        core.Request(new("acme", "user", "a"), new(1), default, Zero).ShouldBe(RefetchVerdict.Queued);
        core.Request(new("acme", "user", "b"), new(1), default, Zero).ShouldBe(RefetchVerdict.Queued);
        core.Request(new("acme", "user", "c"), new(1), default, Zero).ShouldBe(RefetchVerdict.Rejected);
        core.Request(new("acme", "user", "a"), new(1), default, Zero).ShouldBe(RefetchVerdict.Coalesced);
    }

    [Fact]
    public void Failures_back_off_exponentially_with_jitter_up_to_the_limit_of_attempts()
    {
        Request("a");
        var now = Zero;
        var waits = new List<double>();
        for (var attempt = 1; ; attempt++)
        {
            _core.TryStart(now, out var batch).ShouldBeTrue();
            _core.Failed(batch, now, jitter: 1);
            if (batch.Outcomes[0] == RefetchOutcome.GaveUp) break;
            batch.Outcomes[0].ShouldBe(RefetchOutcome.Again);
            waits.Add((_core.NextDue!.Value - now).TotalMilliseconds);
            _core.TryStart(_core.NextDue.Value - TimeSpan.FromTicks(1), out _).ShouldBeFalse();
            now = _core.NextDue.Value;
        }
        waits.ShouldBe([100, 200, 400]);
        (_core.KeyCount, _core.InFlight).ShouldBe((0, 0));
    }

    [Fact]
    public void Jitter_takes_up_to_half_of_the_backoff_and_its_longest_is_bounded()
    {
        var core = new RefetchCore(new RefetchOptions { AttemptsMax = 20 });
        core.Request(new("acme", "user", "a"), new(1), default, Zero);
        var now = Zero;
        for (var attempt = 0; attempt < 15; attempt++)
        {
            core.TryStart(now, out var batch);
            core.Failed(batch, now, jitter: 0);
            (core.NextDue!.Value - now).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
            if (attempt == 0) (core.NextDue!.Value - now).ShouldBe(TimeSpan.FromMilliseconds(50));
            now = core.NextDue!.Value;
        }
    }

    [Fact]
    public void Who_joins_a_request_in_flight_and_needs_more_has_all_attempts_before_it()
    {
        var core = new RefetchCore(new RefetchOptions { AttemptsMax = 1 });
        core.Request(Key("a"), new(1), new(new(0), History, new(3)), Zero);
        core.TryStart(Zero, out var batch).ShouldBeTrue();
        core.Request(Key("a"), new(1), new(new(0), History, new(5)), Zero).ShouldBe(RefetchVerdict.Coalesced);
        core.Answered(batch, History, new(3), 1, Zero, 0);
        batch.Outcomes.ShouldBe([RefetchOutcome.Again]);

        core.TryStart(Zero, out batch).ShouldBeTrue();
        core.Answered(batch, History, new(4), 1, Zero, 0);
        batch.Outcomes.ShouldBe([RefetchOutcome.Done], "asked for 5 and answered at 4: the writer's word stands");
        core.KeyCount.ShouldBe(0);
    }

    [Fact]
    public void A_request_does_not_cut_a_backoff_short_but_brings_a_jittered_check_forward()
    {
        _core.Request(Key("a"), new(1), default, TimeSpan.FromSeconds(1));
        Request("a").ShouldBe(RefetchVerdict.Coalesced);
        _core.NextDue.ShouldBe(Zero);
        _core.TryStart(Zero, out var batch);
        _core.Failed(batch, Zero, jitter: 1);
        Request("a");
        _core.NextDue.ShouldBe(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    public void An_answer_that_stands_below_what_is_needed_is_asked_for_again()
    {
        Request("a", need: 10);
        _core.TryStart(Zero, out var batch);
        Answer(batch, position: 9);
        batch.Outcomes.ShouldBe([RefetchOutcome.Again]);
        _core.IsPending(Key("a")).ShouldBeTrue();
        _core.TryStart(_core.NextDue!.Value, out batch);
        Answer(batch, position: 10);
        batch.Outcomes.ShouldBe([RefetchOutcome.Done]);
    }

    [Fact]
    public void A_position_that_nobody_commits_ends_in_the_answer_and_not_in_a_failure()
    {
        Request("a", need: 1_000_000);
        var outcome = RefetchOutcome.Again;
        for (var attempt = 0; attempt < 4; attempt++)
        {
            outcome.ShouldBe(RefetchOutcome.Again);
            _core.TryStart(_core.NextDue!.Value, out var batch).ShouldBeTrue();
            Answer(batch, position: 9);
            outcome = batch.Outcomes[0];
        }
        outcome.ShouldBe(RefetchOutcome.Done);
        _core.KeyCount.ShouldBe(0);
    }

    [Fact]
    public void A_position_of_a_replaced_history_is_not_needed_in_the_new_one()
    {
        Request("a", need: 1000);
        _core.TryStart(Zero, out var batch);
        _core.Answered(batch, new(78), new(5), 1, Zero, 0);
        batch.Outcomes.ShouldBe([RefetchOutcome.Done]);
    }

    [Fact]
    public void A_request_of_unknown_need_that_came_after_the_sending_is_asked_for_again()
    {
        Request("a");
        _core.TryStart(Zero, out var batch);
        Request("a");
        Answer(batch, position: 9);
        batch.Outcomes.ShouldBe([RefetchOutcome.Again]);
        _core.TryStart(Zero, out batch).ShouldBeTrue();
        Answer(batch, position: 9);
        batch.Outcomes.ShouldBe([RefetchOutcome.Done]);
    }

    [Fact]
    public void A_request_of_a_replica_that_has_less_than_was_named_is_asked_for_again()
    {
        Request("a", have: 5, need: 3);
        _core.TryStart(Zero, out var batch);
        Request("a", have: -1, need: 3);
        Answer(batch, position: 9);
        batch.Outcomes.ShouldBe([RefetchOutcome.Again]);
        _core.TryStart(Zero, out batch);
        batch.Items[0].Have.ShouldBe(Sequence.Unknown);
    }

    [Fact]
    public void What_the_byte_limit_cut_off_is_asked_for_at_once_and_is_no_failed_attempt()
    {
        foreach (var key in "abcdef") Request(key.ToString());
        for (var left = 6; left > 0; left -= 2)
        {
            _core.TryStart(Zero, out var batch).ShouldBeTrue();
            batch.Items.Count.ShouldBe(left);
            Answer(batch, position: 1, answered: 2);
        }
        _core.KeyCount.ShouldBe(0);
    }

    [Fact]
    public void An_answer_that_covers_nothing_is_a_failed_attempt()
    {
        Request("a");
        var attempts = 0;
        while (_core.TryStart(_core.NextDue ?? Zero, out var batch))
        {
            attempts++;
            Answer(batch, position: 1, answered: 0);
        }
        attempts.ShouldBe(4);
        _core.KeyCount.ShouldBe(0);
    }

    [Fact]
    public void A_cancelled_key_leaves_no_trace_waiting_or_in_flight()
    {
        Request("a");
        _core.Cancel(Key("a"));
        (_core.KeyCount, _core.NextDue).ShouldBe((0, null));
        Request("a");
        _core.TryStart(Zero, out var batch);
        _core.Cancel(Key("a"));
        Answer(batch, position: 1);
        batch.Outcomes.ShouldBe([RefetchOutcome.Cancelled]);
        (_core.KeyCount, _core.InFlight, _core.NextDue).ShouldBe((0, 0, null));
    }

    [Fact]
    public void Options_are_refused_by_name_value_and_range()
    {
        var error = Should.Throw<SyncException>(() => new RefetchCore(new RefetchOptions { RequestsInFlightMax = 0 }));
        error.Message.ShouldBe("Sync:Refetch:RequestsInFlightMax is 0; must be 1..64 requests");
        error.Code.ShouldBe(SyncErrorCode.Invalid);
        Should.Throw<SyncException>(() => new RefetchOptions { KeysPerRequestMax = 1001 }.Validate());
        Should.Throw<SyncException>(() => new RefetchOptions { BackoffMin = TimeSpan.FromSeconds(3) }.Validate());
        Should.Throw<SyncException>(() => new ReplicaHubOptions { BeatGrace = TimeSpan.FromHours(1) }.Validate())
            .Message.ShouldContain("Sync:Replicas:BeatGrace");
        new ReplicaHubOptions().Validate();
    }

    private RefetchVerdict Request(string key, long have = -1, long need = 0) =>
        _core.Request(Key(key), new(have), new(new(3), History, new(need)), Zero);

    private void Answer(RefetchBatch batch, long position, int answered = int.MaxValue) =>
        _core.Answered(batch, History, new(position), Math.Min(answered, batch.Items.Count), _core.NextDue ?? Zero, 0);

    private static SyncedKey Key(string key) => new("acme", "user", key);
}

using Shouldly;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>Which shards are handed out, how often, and when again.</summary>
public sealed class ShardQueueCoreTests
{
    private static readonly ShardSource A = new("g--a", "item");
    private static readonly ShardSource B = new("g--b", "item");
    private static readonly InsightOptions Options = new() { InFlightMax = 2, RetriesMax = 2, RetryDelayMin = Seconds(1), RetryDelayMax = Seconds(8), DeriveTimeout = Seconds(60) };
    private readonly ShardQueueCore _core = new(Options);
    private Timestamp _now = new(0);

    [Fact]
    public void Many_changes_of_a_waiting_shard_are_one_derivation()
    {
        for (var position = 1; position <= 100; position++) _core.Changed(A, At(position));

        _core.Succeeded(Start(A), At(100), _now);

        ShouldBeSettled();
        _core.Coalesced.ShouldBe(99);
    }

    [Fact]
    public void A_shard_is_handed_out_to_one_at_a_time_and_again_when_it_changed_behind_what_was_read()
    {
        _core.Changed(A, At(1));
        var first = Start(A);
        _core.Changed(A, At(5));
        ShouldStartNothing();

        _core.Succeeded(first, At(4), _now);
        _core.Succeeded(Start(A), At(5), _now);

        ShouldBeSettled();
    }

    [Fact]
    public void A_change_that_the_read_had_already_needs_no_further_derivation()
    {
        _core.Changed(A, At(1));
        var first = Start(A);
        _core.Changed(A, At(5));

        _core.Succeeded(first, At(5), _now);

        ShouldBeSettled();
    }

    [Fact]
    public void No_more_shards_are_handed_out_than_allowed()
    {
        for (var shard = 0; shard < 5; shard++) _core.Changed(new ShardSource($"g--{shard}", "item"), At(1));

        var first = Start(new ShardSource("g--0", "item"));
        Start(new ShardSource("g--1", "item"));
        ShouldStartNothing();
        _core.Succeeded(first, At(1), _now);

        Start(new ShardSource("g--2", "item"));
        _core.Pending.ShouldBe(4);
    }

    [Fact]
    public void A_failed_shard_waits_twice_as_long_each_time_and_holds_up_no_other()
    {
        _core.Changed(A, At(1));
        Fail(Start(A));
        ShouldStartNothing();
        _core.NextDue.ShouldBe(new Timestamp(1_000_000));
        _core.Changed(B, At(2));
        _core.Succeeded(Start(B), At(2), _now);

        _now = new Timestamp(1_000_000);
        Fail(Start(A));
        _core.NextDue.ShouldBe(new Timestamp(3_000_000));
        _now = new Timestamp(3_000_000);
        _core.Succeeded(Start(A), At(1), _now);

        ShouldBeSettled();
        _core.Retries.ShouldBe(2);
    }

    [Fact]
    public void A_shard_that_fails_too_often_is_a_dead_letter_until_it_changes()
    {
        FailForGood(transient: false);
        _core.NextDue.ShouldBeNull();
        var letter = _core.DeadLetters.ShouldHaveSingleItem();
        (letter.Shard, letter.Attempts, letter.Failures[0].Detail).ShouldBe((A, 3, "why"));

        _core.Changed(A, At(9));
        _core.Pending.ShouldBe(1);
        _core.DeadLetters.Count().ShouldBe(1);
        _core.Succeeded(Start(A), At(9), _now);

        ShouldBeSettled();
        _core.DeadLetters.ShouldBeEmpty();
    }

    [Fact]
    public void A_dead_letter_can_be_replayed()
    {
        FailForGood(transient: false);

        _core.Replay(shard => shard == B).ShouldBe(0);
        _core.Replay(shard => shard == A).ShouldBe(1);
        _core.Succeeded(Start(A), At(1), _now);

        _core.DeadLetters.ShouldBeEmpty();
    }

    [Fact]
    public void A_dead_letter_for_a_passing_reason_is_listed_and_tried_on_slowly()
    {
        FailForGood(transient: true);
        _core.DeadLetters.Count().ShouldBe(1);
        _core.Pending.ShouldBe(0);
        var due = _core.NextDue.ShouldNotBeNull();
        due.ShouldBe(new Timestamp(_now.UnixMicroseconds + 8_000_000));

        _now = due;
        _core.Succeeded(Start(A), At(1), _now);

        ShouldBeSettled();
        _core.DeadLetters.ShouldBeEmpty();
    }

    [Fact]
    public void A_request_of_which_nothing_is_heard_is_handed_out_again_and_its_late_answer_does_not_count()
    {
        _core.Changed(A, At(1));
        var lost = Start(A);
        _now = new Timestamp(120_000_000);
        var again = Start(A);
        _core.Redelivered.ShouldBe(1);

        _core.Succeeded(lost, At(1), _now);
        _core.Pending.ShouldBe(1);
        _core.Succeeded(again, At(1), _now);

        ShouldBeSettled();
    }

    [Fact]
    public void After_a_restore_positions_of_the_old_history_bind_nobody_and_a_read_of_it_does_not_count()
    {
        _core.Changed(A, At(900));
        var old = Start(A);
        _core.Restarted(new HistoryId(2));
        _core.Succeeded(old, At(900), _now);
        _core.Pending.ShouldBe(1);

        _now = new Timestamp(1_000_000);
        _core.Succeeded(Start(A), new FeedPosition(new(0), new(2), new(3)), _now);

        ShouldBeSettled();
    }

    [Fact]
    public void Whatever_comes_no_shard_is_lost_and_none_is_handed_out_twice_at_once()
    {
        for (var seed = 0; seed < 300; seed++) RunRandomly(seed);
    }

    private static void RunRandomly(int seed)
    {
        var (core, random, now) = (new ShardQueueCore(Options), new Random(seed), new Timestamp(0));
        var (wanted, stands, running) = (new Dictionary<ShardSource, long>(), new Dictionary<ShardSource, long>(), new List<(DeriveShard Message, long Read)>());
        var position = 0L;
        for (var step = 0; step < 400 || core.Pending > 0; step++)
        {
            if (step >= 4000) Assert.Fail($"seed {seed} does not settle");
            if (step < 400 && random.Next(3) == 0)
            {
                var shard = new ShardSource($"g--{random.Next(6)}", "item");
                core.Changed(shard, At(wanted[shard] = ++position));
            }
            if (core.TryStart(now, out var message))
            {
                if (running.Any(one => one.Message.Vault == message.Vault)) Assert.Fail($"seed {seed}: {message.Vault} is handed out twice");
                running.Add((message, position));
            }
            if (running.Count > 0 && random.Next(2) == 0)
            {
                var (done, read) = running[random.Next(running.Count)];
                running.RemoveAll(one => one.Message == done);
                if (random.Next(8) == 0) core.Failed(done, [new DerivationFailure("d", "error", "why", true)], now);
                else
                {
                    stands[new ShardSource(done.Vault, done.Collection)] = read;
                    core.Succeeded(done, At(read), now);
                }
            }
            now = new Timestamp(now.UnixMicroseconds + 100_000);
        }
        // What is parked has failed three times in a row; everything else stands where it must.
        var parked = core.DeadLetters.Select(letter => letter.Shard).ToHashSet();
        foreach (var (shard, least) in wanted)
            if (!parked.Contains(shard)) stands[shard].ShouldBeGreaterThanOrEqualTo(least, $"seed {seed}: {shard}");
    }

    private void FailForGood(bool transient)
    {
        _core.Changed(A, At(1));
        for (var attempt = 0; attempt < 3; attempt++)
        {
            Fail(Start(A), transient);
            _now = new Timestamp(_now.UnixMicroseconds + 4_000_000);
        }
        _now = new Timestamp(_now.UnixMicroseconds - 4_000_000);
    }

    private void Fail(DeriveShard message, bool transient = false) =>
        _core.Failed(message, [new DerivationFailure("d", "error", "why", transient)], _now);

    private DeriveShard Start(ShardSource shard)
    {
        _core.TryStart(_now, out var message).ShouldBeTrue();
        new ShardSource(message.Vault, message.Collection).ShouldBe(shard);
        return message;
    }

    private void ShouldStartNothing() => _core.TryStart(_now, out _).ShouldBeFalse();

    private void ShouldBeSettled()
    {
        ShouldStartNothing();
        (_core.Pending, _core.NextDue).ShouldBe((0, null));
    }

    private static FeedPosition At(long position) => new(new(0), new(1), new(position));

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);
}

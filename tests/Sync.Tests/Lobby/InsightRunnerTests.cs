using System.Runtime.CompilerServices;
using Shouldly;
using Sync.Contracts;
using Sync.Lobby.Insights;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Lobby;

/// <summary>A runner on a model ledger and a clock that stands still.</summary>
public sealed class InsightRunnerTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);
    private readonly ModelLedger _ledger = new();
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Summaries_follow_changes_and_a_new_shard_gets_one()
    {
        _ledger.Put("g--a", "one", "{}");
        var group = Group();
        await using var runner = group.Follow(Feed());
        await SettleAsync(group);
        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));

        _ledger.Put("g--a", "two", "{}");
        _ledger.Put("g--new", "cover", "{}", "other");
        _ledger.Delete("g--a", "one");
        await SettleAsync(group);

        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
        ModelLedger.Json(_ledger.Summary("insight", "live", "new")!.Summary).ShouldBe("""{"live":0,"bytes":0}""");
        var status = runner.Status();
        (status.IsIdle, status.Shards, status.DeadLetters, status.Counts.Changes).ShouldBe((true, 2, 0, 3L));
    }

    [Fact]
    public async Task Without_an_auto_push_derivation_nothing_is_subscribed_or_asked()
    {
        _ledger.Before = call => Task.FromException(new InvalidOperationException(call));
        var group = Group(derivation: Live with { AutoPush = false });

        await using var runner = group.Follow(new NoFeed());

        (await group.WhenInsightsSettledAsync(Cancellation)).ShouldBe(0);
        runner.Status().IsIdle.ShouldBeTrue();
    }

    [Fact]
    public async Task A_shard_whose_derivation_throws_becomes_a_dead_letter_after_its_retries_and_others_go_on()
    {
        _ledger.Put("g--bad", "one", "{}");
        _ledger.Put("g--good", "one", "{}");
        var (isBroken, attempts) = (true, 0);
        var group = Group(Patient with { RetriesMax = 3 }, Live with
        {
            Derive = (records, context) =>
            {
                if (context.PartitionKey != "bad" || !isBroken) return Live.Derive(records, context);
                attempts++;
                throw new InvalidOperationException("boom");
            },
        });
        await using var runner = group.Follow(Feed());

        (await SettleAsync(group)).ShouldBe(1);

        attempts.ShouldBeGreaterThanOrEqualTo(4);
        var letter = runner.DeadLetters(10).ShouldHaveSingleItem();
        (letter.Shard.Vault, letter.Attempts, letter.Failures[0].Derivation, letter.Failures[0].Detail)
            .ShouldBe(("g--bad", 4, "live", "derive threw: boom"));
        _ledger.Summary("insight", "live", "good").ShouldNotBeNull();
        _ledger.Summary("insight", "live", "bad").ShouldBeNull();

        isBroken = false;
        runner.Replay().ShouldBe(1);
        (await SettleAsync(group)).ShouldBe(0);
        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
    }

    [Fact]
    public async Task A_ledger_that_is_away_for_a_while_only_delays()
    {
        var away = true;
        _ledger.Put("g--a", "one", "{}");
        _ledger.Before = _ => away ? Task.FromException(new SyncException(SyncErrorCode.NoAnswer, "away", true)) : Task.CompletedTask;
        var group = Group();
        await using var runner = group.Follow(Feed());
        await _time.WhenArmedAsync();
        runner.Status().Trouble.ShouldNotBeNull().ShouldContain("away");
        runner.Status().IsIdle.ShouldBeFalse();

        away = false;
        await SettleAsync(group);

        runner.Status().Trouble.ShouldBeNull();
        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
    }

    [Fact]
    public async Task A_feed_whose_stream_breaks_is_followed_again_from_its_cursor_and_then_in_no_trouble()
    {
        var group = Group(derivation: Live);
        _ledger.Put("g--0", "one", "{}");
        await using var runner = group.Follow(new BreakingFeed(Feed()));
        await SettleAsync(group);

        for (var number = 0; number < 40; number++)
        {
            _ledger.Put($"g--{number % 6}", $"k{number}", "{}");
            await SettleAsync(group);
        }

        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
        var status = runner.Status();
        status.Counts.FollowFailures.ShouldBeGreaterThan(0);
        (status.Trouble, status.Counts.Compared, status.Counts.Changes).ShouldBe((null, 1, 40));
    }

    [Fact]
    public async Task After_a_restore_every_summary_is_made_again_in_the_new_history()
    {
        for (var number = 0; number < 6; number++) _ledger.Put($"g--{number % 2}", $"k{number}", "{}");
        var group = Group();
        await using var runner = group.Follow(Feed());
        await SettleAsync(group);

        _ledger.Restore(lost: 2);
        await SettleAsync(group);

        runner.Status().Counts.Compared.ShouldBeGreaterThan(1);
        _ledger.Summary("insight", "live", "0")!.Provenance.At.History.ShouldBe(_ledger.History);
        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
    }

    [Fact]
    public async Task Another_version_of_a_derivation_makes_every_summary_again()
    {
        _ledger.Put("g--a", "one", "{}");
        var old = Group();
        await using (old.Follow(Feed())) await SettleAsync(old);

        var group = Group(derivation: Live with { Version = "2", Derive = (_, _) => ModelLedger.Pack("""{"version":2}""") });
        await using var runner = group.Follow(Feed());
        await SettleAsync(group);

        ModelLedger.Json(_ledger.Summary("insight", "live", "a")!.Summary).ShouldBe("""{"version":2}""");
    }

    [Fact]
    public async Task A_queue_that_loses_and_repeats_requests_does_no_harm()
    {
        for (var number = 0; number < 12; number++) _ledger.Put($"g--{number % 5}", $"k{number}", "{}");
        var group = Group(new InsightOptions { DeriveTimeout = TimeSpan.FromSeconds(20), RetriesMax = 100 });
        var queue = new BadQueue();
        await using var runner = group.Follow(Feed(), queue);
        queue.Runner = runner;

        await SettleAsync(group);

        runner.Status().Counts.Redelivered.ShouldBeGreaterThan(0);
        OracleOf(_ledger).ShouldBe(ShownOf(_ledger));
    }

    private static CrossVaultDerivation Live { get; } = SampleDerivations.Make("counts", null, "live", "item", ("insight", "live"), true);

    /// <summary>The clock runs ahead of a loaded machine: a derivation must not time out by it.</summary>
    internal static InsightOptions Patient { get; } = new() { DeriveTimeout = TimeSpan.FromHours(1) };

    private InsightGroup Group(InsightOptions? options = null, CrossVaultDerivation? derivation = null) =>
        new InsightGroup("g", _ledger, _ledger, options ?? Patient, _time).WithCrossVaultDerivation(derivation ?? Live);

    private PolledChangefeed Feed() => new(_ledger, Tick, _time);

    private Task<int> SettleAsync(InsightGroup group) => SettleAsync(group, _time);

    /// <summary>Lets the clock go on while somebody waits for it.</summary>
    internal static async Task<int> SettleAsync(InsightGroup group, ManualTimeProvider time)
    {
        using var most = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        while (true)
        {
            try
            {
                var settled = group.WhenInsightsSettledAsync(most.Token);
                while (!settled.IsCompleted)
                {
                    time.Advance(Step);
                    await tick.WaitForNextTickAsync(most.Token);
                }
                return await settled;
            }
            catch (SyncException error) when (error.IsTransient && error.Code != SyncErrorCode.Stopped)
            {
                time.Advance(Step);
                await tick.WaitForNextTickAsync(most.Token);
            }
        }
    }

    /// <summary>What every shard's summary must be: the fold of its facts from scratch.</summary>
    internal static string OracleOf(ModelLedger ledger) => string.Join("; ", ledger.Shards("g").Order(StringComparer.Ordinal).Select(vault =>
    {
        var records = ledger.Fold(vault, "item", new Position(long.MaxValue));
        return $$"""{{vault}}={"live":{{records.Count}},"bytes":{{records.Sum(record => record.Value.Length)}}}""";
    }));

    /// <summary>What the summaries are; one whose own position it does not fit is shown as such.</summary>
    internal static string ShownOf(ModelLedger ledger) => string.Join("; ", ledger.Shards("g").Order(StringComparer.Ordinal).Select(vault =>
    {
        if (ledger.Summary("insight", "live", Names.Split(vault).Partition!) is not { } summary) return $"{vault}=none";
        var records = ledger.Fold(vault, "item", summary.Provenance.At.Position);
        return summary.Provenance.Records == records.Count ? $"{vault}={ModelLedger.Json(summary.Summary)}" : $"{vault} is not the fold of its position";
    }));

    private sealed class NoFeed : IChangefeed
    {
        public async IAsyncEnumerable<FeedEvent> ReadAsync(
            FeedRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
        {
            await Task.CompletedTask;
            throw new InvalidOperationException("subscribed");
#pragma warning disable CS0162 // The compiler wants a yield to make an iterator.
            yield break;
#pragma warning restore CS0162
        }
    }

    // Every second read breaks behind its first item, so that the reader goes on from a cursor of its own.
    private sealed class BreakingFeed(IChangefeed changefeed) : IChangefeed
    {
        private int _reads;

        public async IAsyncEnumerable<FeedEvent> ReadAsync(
            FeedRequest request, [EnumeratorCancellation] CancellationToken cancellation = default)
        {
            var breaks = Interlocked.Increment(ref _reads) % 2 == 1;
            await foreach (var item in changefeed.ReadAsync(request, cancellation))
            {
                yield return item;
                if (breaks) throw new SyncException(SyncErrorCode.NoAnswer, "the stream broke", true);
            }
        }
    }

    private sealed class BadQueue : IDeriveQueue
    {
        private int _count;

        public InsightRunner? Runner { get; set; }

        public Task SendAsync(DeriveShard message, CancellationToken cancellation)
        {
            var count = Interlocked.Increment(ref _count);
            if (count % 3 == 0 || Runner is not { } runner) return Task.CompletedTask;
            _ = Task.Run(() => runner.DeriveAsync(message, cancellation), cancellation);
            if (count % 2 == 0) _ = Task.Run(() => runner.DeriveAsync(message, cancellation), cancellation);
            return Task.CompletedTask;
        }
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing;
using Sync.Testing.Changefeeds;
using Sync.Testing.Ledger;
using Xunit;

namespace Sync.Tests.Changefeeds;

public sealed class InProcessChangefeedTests : ChangefeedCompliance
{
    protected override async ValueTask<ChangefeedRig> StartAsync() =>
        await NodeRig.StartAsync(new ChangefeedOptions { DropBehind = LatestBehind });
}

/// <summary>As <see cref="InProcessChangefeedTests"/>, with so little in memory that readers often read the
/// ledger.</summary>
public sealed class SmallTailChangefeedTests : ChangefeedCompliance
{
    protected override async ValueTask<ChangefeedRig> StartAsync() => await NodeRig.StartAsync(
        new ChangefeedOptions { DropBehind = LatestBehind, TailFactsMax = 2, PageFactsMax = 3, ReachedPositions = 2 });
}

public sealed class ChangefeedTests
{
    private static readonly FeedFilter Everything = new(new FeedId(0));

    [Fact]
    public async Task Many_live_readers_of_an_owned_feed_cost_no_read_and_idle_ones_none_at_all()
    {
        var reads = 0;
        var store = Counting(() => Interlocked.Increment(ref reads));
        await using var rig = await NodeRig.StartAsync(store: store);
        var runs = Enumerable.Range(0, 200).Select(_ => rig.Read(new(Everything))).ToArray();
        foreach (var run in runs) await run.NextAsync();
        Volatile.Write(ref reads, 0);
        for (var index = 0; index < 20; index++)
        {
            var receipt = await rig.PutAsync($"k{index}");
            foreach (var run in runs) (await run.NextChangeAsync()).Id.ShouldBe(receipt.FactId);
        }
        // The node itself looks for free feeds four times a second; readers add nothing to that.
        rig.Local.Counts.LedgerReads.ShouldBe(1);
        Volatile.Read(ref reads).ShouldBeLessThan(50);
        rig.Local.Counts.Readers.ShouldBe(200);
        foreach (var run in runs) await run.DisposeAsync();
        rig.Local.Counts.Readers.ShouldBe(0);
    }

    [Fact]
    public async Task Readers_of_a_feed_that_another_process_owns_share_its_beat_and_one_read()
    {
        var reads = 0;
        var store = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 });
        await using var owner = await NodeRig.StartAsync(store: store);
        var mirror = new ScriptedStore(store) { OnFollow = () => Interlocked.Increment(ref reads) };
        var time = new ManualTimeProvider();
        await using var bus = new BeatBus();
        await using var follower = new Sync.Ledger.Changefeed(mirror, bus, time: time);
        var runs = Enumerable.Range(0, 100).Select(_ => new FeedRun(follower, new(Everything))).ToArray();
        foreach (var run in runs) await run.NextAsync();
        Volatile.Write(ref reads, 0);
        var receipt = await owner.PutAsync("a");
        await bus.BeatAsync(receipt);
        foreach (var run in runs) (await run.NextChangeAsync()).Id.ShouldBe(receipt.FactId);
        Volatile.Read(ref reads).ShouldBe(1);
        // A beat that is lost costs time, nothing else: the poll finds the change.
        receipt = await owner.PutAsync("b");
        var next = runs.Select(run => run.NextChangeAsync()).ToArray();
        time.Advance(new ChangefeedOptions().PollEvery);
        foreach (var change in await Task.WhenAll(next)) change.Id.ShouldBe(receipt.FactId);
        Volatile.Read(ref reads).ShouldBe(2);
        foreach (var run in runs) await run.DisposeAsync();
        // Nobody follows: polls read nothing.
        time.Advance(TimeSpan.FromMinutes(1));
        Volatile.Read(ref reads).ShouldBe(2);
    }

    [Fact]
    public async Task A_take_over_while_following_leaves_no_hole()
    {
        var store = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 });
        var options = new ChangefeedOptions { PollEvery = TimeSpan.FromMilliseconds(20) };
        await using var first = await NodeRig.StartAsync(options, store);
        await using var run = first.Read(new(Everything, FromBeginning: true));
        await first.PutManyAsync(10, "a");
        await first.Node.StopAsync();
        await using var second = await NodeRig.StartAsync(options, store);
        var last = (await second.PutManyAsync(10, "b"))[^1];
        await run.ReachAsync(last.Position);
        run.Changes.Select(change => change.Position.Value).ShouldBe(Enumerable.Range(1, 20).Select(Convert.ToInt64));
    }

    [Fact]
    public async Task A_floor_that_passes_a_cursor_is_a_reset_also_in_the_middle()
    {
        var store = Counting(null);
        await using var rig = await NodeRig.StartAsync(
            new ChangefeedOptions { TailFactsMax = 1, PageFactsMax = 2 }, store);
        var head = (await rig.PutManyAsync(10))[^1];
        await using var run = rig.Read(new(Everything, FromBeginning: true));
        (await run.NextChangeAsync()).Position.Value.ShouldBe(1);
        (await run.NextChangeAsync()).Position.Value.ShouldBe(2);
        store.Floor = new Position(6);
        var reset = (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reset>();
        (reset.Reason, reset.Head.Position).ShouldBe((ResetReason.Expired, head.Position));
        await using var again = rig.Read(
            new(Everything, new FeedPosition(head.Feed, head.History, new Position(4))));
        (await again.NextAsync()).ShouldBeOfType<FeedEvent.Reset>().Reason.ShouldBe(ResetReason.Expired);
        // The position before the floor is still good: nothing behind it is gone.
        await using var edge = rig.Read(
            new(Everything, new FeedPosition(head.Feed, head.History, new Position(5))));
        (await edge.NextChangeAsync()).Position.Value.ShouldBe(6);
        // The beginning is the oldest that is kept.
        await using var begun = rig.Read(new(Everything, FromBeginning: true));
        (await begun.NextChangeAsync()).Position.Value.ShouldBe(6);
    }

    [Fact]
    public async Task A_reset_that_is_replaced_by_from_now_is_found()
    {
        await using var rig = await NodeRig.StartAsync(faults: new PlantedFaults { FromNowInsteadOfReset = true });
        var head = (await rig.PutManyAsync(3))[^1];
        await using var run = rig.Read(
            new(Everything, new FeedPosition(head.Feed, head.History, new Position(9))));
        // What the suite asks of every changefeed does not hold here.
        (await run.NextAsync()).ShouldNotBeOfType<FeedEvent.Reset>();
    }

    [Fact]
    public async Task A_reader_whose_filter_lets_nothing_through_is_told_in_time_how_far_it_is()
    {
        var time = new ManualTimeProvider();
        await using var rig = await NodeRig.StartAsync(new ChangefeedOptions { ReachedPositions = 5 }, time: time);
        await using var run = rig.Read(new(new FeedFilter(Vault: "nobody")));
        (await run.NextAsync()).ShouldBeOfType<FeedEvent.Reached>();
        var next = run.NextAsync();
        await rig.PutManyAsync(5);
        (await next).ShouldBeOfType<FeedEvent.Reached>().At.Position.Value.ShouldBe(5);
        next = run.NextAsync();
        await rig.PutAsync("one more");
        await WaitUntilAsync(() => rig.Local.Readers().Single().Cursor!.Value.Value == 6);
        next.IsCompleted.ShouldBeFalse();
        time.Advance(new ChangefeedOptions().ReachedEvery);
        (await next).ShouldBeOfType<FeedEvent.Reached>().At.Position.Value.ShouldBe(6);
    }

    [Fact]
    public async Task More_readers_than_the_bound_are_refused_and_a_stop_ends_all()
    {
        var rig = await NodeRig.StartAsync(new ChangefeedOptions { ReadersMax = 1 });
        await using var first = rig.Read(new(Everything));
        await first.NextAsync();
        await using var second = rig.Read(new(Everything));
        (await Should.ThrowAsync<SyncException>(second.NextAsync)).Code.ShouldBe(SyncErrorCode.Exhausted);
        var waiting = first.NextAsync();
        await rig.DisposeAsync();
        (await Should.ThrowAsync<SyncException>(waiting)).Code.ShouldBe(SyncErrorCode.Stopped);
    }

    [Fact]
    public async Task Operators_see_who_is_how_far_behind()
    {
        await using var rig = await NodeRig.StartAsync();
        await rig.PutManyAsync(10);
        await using var run = rig.Read(new(Everything, FromBeginning: true));
        await run.NextChangeAsync();
        var reader = rig.Local.Readers().ShouldHaveSingleItem();
        (reader.Feed, reader.Filter, reader.Cursor!.Value.Value, reader.Lag).ShouldBe((new FeedId(0), Everything, 1, 9));
    }

    private static ScriptedStore Counting(Action? onFollow) =>
        new(new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { Feeds = 1 })) { OnFollow = onFollow };

    private static async Task WaitUntilAsync(Func<bool> isSo)
    {
        using var limit = new CancellationTokenSource(FeedRun.WaitMax);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!isSo()) await tick.WaitForNextTickAsync(limit.Token);
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Integration.Tests.Postgres;
using Sync.Ledger;
using Sync.Testing.Changefeeds;
using Sync.Testing.Postgres;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>The contract in process over a real database.</summary>
public sealed class PostgresChangefeedTests(PostgresDatabase database) : ChangefeedCompliance, IClassFixture<PostgresDatabase>
{
    protected override async ValueTask<ChangefeedRig> StartAsync() => await PostgresRig.StartAsync(
        await database.CreateDatabaseAsync(), new ChangefeedOptions { DropBehind = LatestBehind, TailFactsMax = 16, PageFactsMax = 7 });
}

/// <summary>What only a shared database shows.</summary>
public sealed class PostgresFollowTests(PostgresDatabase database) : IClassFixture<PostgresDatabase>
{
    private static readonly FeedFilter Everything = new(new FeedId(0));

    [Fact]
    public async Task Owners_that_take_turns_leave_no_hole_for_readers_of_either_process()
    {
        const int Turns = 6, Each = 40;
        await using var bus = new InProcessTransport();
        await using var one = await PostgresRig.StartAsync(await database.CreateDatabaseAsync(), new ChangefeedOptions(), bus);
        await using var other = await one.JoinAsync(new ChangefeedOptions { TailFactsMax = 8 });
        await using var cursor = new FeedRun(other.Changefeed, new(Everything, FromBeginning: true));
        await using var live = new FeedRun(one.Changefeed, new(Everything, FromBeginning: true));
        var reading = Task.WhenAll(cursor.ReachAsync(new Position(Turns * Each)), live.ReachAsync(new Position(Turns * Each)));
        for (var turn = 0; turn < Turns; turn++)
        {
            var rig = turn % 2 == 0 ? one : other;
            await rig.OwnAsync();
            await rig.PutManyAsync(Each, $"t{turn}-");
            await rig.DisownAsync();
        }
        await reading;
        foreach (var run in new[] { cursor, live })
            run.Changes.Select(change => change.Position.Value).ShouldBe(Enumerable.Range(1, Turns * Each).Select(Convert.ToInt64));
        cursor.Changes.Select(change => change.Id).ShouldBe(live.Changes.Select(change => change.Id));
    }

    [Fact]
    public async Task A_cursor_that_the_floor_passed_is_a_reset_and_the_one_before_it_is_not()
    {
        await using var rig = await PostgresRig.StartAsync(
            await database.CreateDatabaseAsync(), new ChangefeedOptions { TailFactsMax = 1, PageFactsMax = 2 });
        await rig.OwnAsync();
        var head = (await rig.PutManyAsync(10))[^1];
        await using var slow = rig.Read(new(Everything, FromBeginning: true));
        await slow.NextChangeAsync();
        await slow.NextChangeAsync();
        await rig.Ledger.ExecuteAsync("delete from sync.fact_0 where position < 7; update sync.feed set floor = 7 where feed = 0");
        (await slow.NextAsync()).ShouldBeOfType<FeedEvent.Reset>().Reason.ShouldBe(ResetReason.Expired);
        foreach (var filter in new[] { Everything, new FeedFilter(Vault: "acme"), new FeedFilter(Vault: "acme", Collection: "user") })
        {
            await using var expired = rig.Read(new(filter, new FeedPosition(head.Feed, head.History, new Position(5))));
            var reset = (await expired.NextAsync()).ShouldBeOfType<FeedEvent.Reset>();
            (reset.Reason, reset.Head.Position).ShouldBe((ResetReason.Expired, head.Position));
            await using var edge = rig.Read(new(filter, new FeedPosition(head.Feed, head.History, new Position(6))));
            (await edge.NextChangeAsync()).Position.Value.ShouldBe(7);
            await using var begun = rig.Read(new(filter, FromBeginning: true));
            (await begun.NextChangeAsync()).Position.Value.ShouldBe(7);
        }
    }
}

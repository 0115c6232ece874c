using System.Diagnostics;
using Shouldly;
using Sync.Client;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.Integration.Tests.Way;
using Sync.Testing.Changefeeds;
using Xunit;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>Following writers that are processes of their own, on a real database and broker.</summary>
public sealed class FollowTests
{
    private const int Writes = 400;

    [Fact]
    public async Task Kill_9_of_the_writers_while_following_leaves_one_unbroken_run_of_every_feed()
    {
        await using var rig = await WayRig.StartAsync();
        var first = await rig.StartWriterAsync();
        var second = await rig.StartWriterAsync();
        await using var client = rig.Client(first, second);
        using var changefeed = new ChangefeedClient(HttpRig.OptionsOf(first.Url, second.Url));
        var status = await client.Writer.StatusAsync();
        var runs = status.Feeds.Select(feed =>
            new FeedRun(changefeed, new(new FeedFilter(new FeedId(feed.Feed)), FromBeginning: true))).ToArray();
        var receipts = await WriteAsync(client, "a");
        await FollowAsync(runs, receipts);
        var writing = WriteAsync(client, "b");
        await first.Process.KillAsync();
        receipts = [.. receipts, .. await writing];
        await FollowAsync(runs, receipts);
        // Everything acknowledged was seen, and nothing twice: FeedRun refuses a step back, the client a hole.
        var seen = runs.SelectMany(run => run.Changes).ToDictionary(change => change.Id);
        receipts.ShouldAllBe(receipt => seen.ContainsKey(receipt.FactId));
        foreach (var run in runs)
            run.Changes.Select(change => change.Position.Value)
                .ShouldBe(Enumerable.Range(1, run.Changes.Count).Select(Convert.ToInt64));
        // A stop does not wait for those who follow.
        var clock = Stopwatch.StartNew();
        (await second.Process.TerminateAsync()).ShouldBe(0, second.Process.Output);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        foreach (var run in runs) await run.DisposeAsync();
    }

    private static async Task<Receipt[]> WriteAsync(SyncClient client, string prefix)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, Writes).Select(index => client.WriteAsync(new WriteCommand
        {
            Key = new SyncedKey($"vault{index % 17}", "c", $"{prefix}{index % 40}"),
            Op = ChangeOp.Put,
            Value = new byte[] { (byte)(index % 100) },
        })));
        return [.. results.Select(result => result.ShouldBeOfType<WriteResult.Committed>().Receipt)];
    }

    private static Task FollowAsync(IEnumerable<FeedRun> runs, IReadOnlyList<Receipt> receipts) =>
        Task.WhenAll(runs.Select((run, feed) => run.ReachAsync(
            receipts.Where(receipt => receipt.Feed.Value == feed).Select(receipt => receipt.Position)
                .DefaultIfEmpty(Position.Start).Max())));
}

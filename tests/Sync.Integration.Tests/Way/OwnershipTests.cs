using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Testing.Faults;
using Xunit;

namespace Sync.Integration.Tests.Way;

/// <summary>Two writers on one ledger: any takes any write, one owns a feed, the other takes it over, the fenced one commits nothing.</summary>
public sealed class OwnershipTests(ITestOutputHelper output)
{
    private static readonly TimeSpan TakeOverMax = TimeSpan.FromSeconds(5);
    private static readonly byte[] Value = [0x81, 0xa1, (byte)'n', 0x01];

    // One vault for each of many feeds.
    private static readonly SyncedKey[] Keys = [.. Enumerable.Range(0, 24).Select(number => new SyncedKey($"vault{number}", "item", "k"))];

    [Xunit.Fact]
    public async Task Any_writer_takes_any_write_and_forwards_it_to_the_owner()
    {
        await using var rig = await WayRig.StartAsync();
        var (first, second) = (await rig.StartWriterAsync(), await rig.StartWriterAsync());
        await using var toFirst = rig.Client(first);
        await using var toSecond = rig.Client(second);
        foreach (var key in Keys)
        {
            (await PutAsync(toFirst, key)).ShouldBeOfType<WriteResult.Committed>().Receipt.Sequence.ShouldBe(new Sequence(1));
            (await PutAsync(toSecond, key)).ShouldBeOfType<WriteResult.Committed>().Receipt.Sequence.ShouldBe(new Sequence(2));
        }
        (await WayRig.FactsAsync(toFirst)).Count.ShouldBe(2 * Keys.Length);
    }

    [Xunit.Fact]
    public async Task A_killed_owner_is_taken_over_in_time_and_a_load_goes_on()
    {
        await using var rig = await WayRig.StartAsync();
        var (first, second) = (await rig.StartWriterAsync(), await rig.StartWriterAsync());
        await using var client = rig.Client(first, second);
        var load = new Load(client, Keys, seed: 99);
        load.Start(producers: 16);
        await load.AdvanceAsync(300);
        await first.Process.KillAsync();
        var killed = TimeProvider.System.GetTimestamp();
        await using var survivor = rig.Client(second);
        var writes = await Task.WhenAll(Keys.Select(key => PutAsync(survivor, key with { Key = "after the kill" })));
        writes.ShouldAllBe(result => result is WriteResult.Committed);
        var took = TimeProvider.System.GetElapsedTime(killed);
        output.WriteLine($"every feed took a write {took} after the kill");
        took.ShouldBeLessThan(TakeOverMax);
        await load.AdvanceAsync(300);
        await load.StopAsync();
        load.Check(await WayRig.FactsAsync(survivor));
    }

    [Xunit.Fact]
    public async Task A_stopped_and_resumed_owner_commits_nothing_that_it_may_not()
    {
        await using var rig = await WayRig.StartAsync();
        var first = await rig.StartWriterAsync();
        await using var toFirst = rig.Client(first);
        var load = new Load(toFirst, Keys, seed: 7);
        load.Start(producers: 16);
        await load.AdvanceAsync(300);

        // In the middle of its commits; the second takes every feed over meanwhile.
        first.Process.Pause();
        var second = await rig.StartWriterAsync();
        await using var toSecond = rig.Client(second);
        foreach (var key in Keys)
            (await PutAsync(toSecond, key with { Key = "by the new owner" })).ShouldBeOfType<WriteResult.Committed>();
        var owners = (await toSecond.Writer.StatusAsync()).Feeds;
        owners.ShouldAllBe(feed => feed.OwnedHere);

        first.Process.Continue();
        await load.AdvanceAsync(300);
        await load.StopAsync();

        // The facts' own rules include that no older epoch follows a newer one.
        var facts = await WayRig.FactsAsync(toSecond);
        load.Check(facts);
        facts.Select(fact => fact.Epoch.Value).Max().ShouldBeGreaterThan(1);
    }

    [Xunit.Fact]
    public async Task An_answer_that_was_lost_is_found_by_the_idempotency_key()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var proxy = FaultProxy.Start(writer.Url.Port);
        await using var direct = rig.Client(writer);
        await using var client = rig.Client(writer with { Url = new Uri($"http://127.0.0.1:{proxy.Port}") });
        (await PutAsync(client, Keys[0])).ShouldBeOfType<WriteResult.Committed>();

        proxy.ToClient.Stall();
        var lost = PutAsync(client, Keys[0]);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while ((await direct.Writer.GetAsync(Keys[0]))!.Sequence != new Sequence(2)) await tick.WaitForNextTickAsync();
        lost.IsCompleted.ShouldBeFalse();
        proxy.Cut();
        proxy.Heal();

        var result = (await lost).ShouldBeOfType<WriteResult.Committed>();
        result.Replayed.ShouldBeTrue();
        result.Receipt.Sequence.ShouldBe(new Sequence(2));
        (await WayRig.FactsAsync(direct)).Count.ShouldBe(2);
    }

    private static Task<WriteResult> PutAsync(SyncClient client, SyncedKey key) =>
        client.WriteAsync(new WriteCommand { Key = key, Op = ChangeOp.Put, Value = Value });
}

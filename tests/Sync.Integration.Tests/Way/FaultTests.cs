using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Xunit;

namespace Sync.Integration.Tests.Way;

/// <summary>Kills what can be killed in the middle of a load: nothing acknowledged is lost, no sequence comes twice, everything
/// committed is published, and a thousand replicas in another process equal the heads soon after.</summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan ConvergeMax = TimeSpan.FromSeconds(5);

    private static readonly SyncedKey[] Keys =
        [.. Enumerable.Range(0, 1000).Select(number => new SyncedKey($"load--p{number % 7}", "item", $"key {number}.ü"))];

    [Xunit.Fact]
    public Task A_killed_writer_loses_nothing() => RunAsync(async (rig, writer) =>
    {
        await writer.Process.KillAsync();
        await rig.StartWriterAsync(writer.Url.Port);
    });

    [Xunit.Fact]
    public Task A_killed_broker_loses_nothing() => RunAsync(async (rig, _) =>
    {
        await rig.Nats.KillAsync();
        await rig.Nats.StartAgainAsync();
    });

    [Xunit.Fact]
    public Task A_broker_that_is_away_for_a_moment_loses_nothing() => RunAsync(async (rig, _) =>
    {
        await rig.Nats.StopAsync();
        using var away = new PeriodicTimer(TimeSpan.FromMilliseconds(300));
        await away.WaitForNextTickAsync();
        await rig.Nats.StartAgainAsync();
    });

    [Xunit.Fact]
    public Task A_killed_Postgres_loses_nothing() => RunAsync(async (rig, writer) =>
    {
        await rig.Postgres.KillAsync();
        await rig.Postgres.StartAsync();
        await writer.Process.WaitForHttpOkAsync(new Uri(writer.Url, "/readyz"));
    });

    [Xunit.Fact]
    public Task A_replica_in_another_language_loses_nothing_when_the_broker_restarts() => RunAsync(
        async (rig, _) =>
        {
            await rig.Nats.StopAsync();
            await rig.Nats.StartAgainAsync();
        },
        (rig, _) => rig.FollowFromNodeAsync(Keys));

    private async Task RunAsync(
        Func<WayRig, WriterProcess, Task> fault, Func<WayRig, WriterProcess, Task<Follower>>? follow = null)
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var client = rig.Client(writer);
        var follower = follow is null ? rig.Follow(writer, Keys) : await follow(rig, writer);
        var load = new Load(client, Keys, seed: 4711);
        load.Start(producers: 32);
        await load.AdvanceAsync(1500);
        await fault(rig, writer);
        await load.AdvanceAsync(1500);
        await load.StopAsync();

        var facts = await WayRig.FactsAsync(client);
        load.Check(facts);
        var took = await follower.ConvergeAsync(Heads(facts), ConvergeMax);
        output.WriteLine($"{facts.Count} facts, {load.Log.Count(entry => entry.Result is WriteResult.Unknown)} unknown outcomes, converged after {took}");
        await PublishedAsync(client);
    }

    /// <summary>What each followed key must be: its last fact, or known absent.</summary>
    private static Dictionary<SyncedKey, (long, string?)> Heads(IReadOnlyList<Fact> facts)
    {
        var heads = Keys.ToDictionary(key => key, _ => (0L, (string?)null));
        foreach (var fact in facts)
        {
            var value = fact.Op == ChangeOp.Delete ? null : System.Text.Encoding.UTF8.GetString(JsonTranscoder.ToJson(fact.Value.Span, out _)!);
            heads[fact.Key] = (fact.Sequence.Value, value);
        }
        return heads;
    }

    private static async Task PublishedAsync(SyncClient client)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        using var most = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while ((await client.Writer.StatusAsync()).Feeds.Any(feed => feed.Published < feed.Position)) await tick.WaitForNextTickAsync(most.Token);
    }
}

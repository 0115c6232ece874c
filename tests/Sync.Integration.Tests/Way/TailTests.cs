using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Integration.Tests.Samples;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Way;

/// <summary>What no later envelope reveals.</summary>
public sealed class TailTests(ITestOutputHelper output)
{
    private static readonly SyncSchema<User> Users = SyncSchema.Json(SampleJson.Default.User, new SchemaVersion("1.0"));

    [Xunit.Fact]
    public async Task The_second_of_two_changes_within_one_beat_is_healed_when_it_is_lost_and_nothing_follows()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        var lost = 0;
        await using var bus = new LossyBus(await SyncBus.ConnectAsync(rig.Broker), (subject, payload) =>
            subject.StartsWith("synced.", StringComparison.Ordinal)
            && new EnvelopeCodec().Decode(payload.Span).Value.Sequence == new Sequence(3)
            && Interlocked.Increment(ref lost) > 0);
        await using var client = new SyncClient(new SyncClientOptions { Writers = [writer.Url.ToString()] }, bus);
        await client.PutAsync("acme", "user", "1", new User("Ada", 1), schema: Users);
        await using var replica = await client.ReplicaAsync("acme", "user", "1", Users);
        await replica.WhenIdleAsync();
        replica.Value.ShouldBe(new User("Ada", 1));

        // Both are sent before either answer: one beat names only the later position of the key.
        var burst = new[] { client.PutAsync("acme", "user", "1", new User("Ada", 2), schema: Users), client.PutAsync("acme", "user", "1", new User("Ada", 3), schema: Users) };
        await Task.WhenAll(burst);
        var written = TimeProvider.System.GetTimestamp();
        using var most = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await foreach (var change in replica.WatchAsync(most.Token))
            if (change.Metadata.Sequence == new Sequence(3)) break;
        output.WriteLine($"healed after {TimeProvider.System.GetElapsedTime(written)}");
        replica.Value.ShouldBe(new User("Ada", 3));
        lost.ShouldBeGreaterThan(0, "the envelope was not lost, so nothing was tried");
        replica.Counters.TailGaps.ShouldBeGreaterThan(0);
    }

    [Xunit.Fact]
    public async Task The_example_of_the_README_runs_as_it_stands_there()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        var now = await FirstReplica.RunAsync(new SyncClientOptions { Writers = [writer.Url.ToString()] }, rig.Broker);
        now.ShouldBe(new User("Ada", 36));
    }
}

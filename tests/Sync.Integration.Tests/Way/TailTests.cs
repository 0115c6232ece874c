using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Integration.Tests.Samples;
using Sync.MessagePack;
using Sync.Testing;
using Sync.Testing.Processes;
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

    [Theory]
    [InlineData("tests/Sync.Integration.Tests/Samples/FirstReplica.cs", "        // README\n")]
    [InlineData("tests/Sync.Integration.Tests/Samples/FirstCollection.cs", "        // README\n")]
    [InlineData("tests/consumers/node/first.mjs", null)]
    public void The_README_shows_the_examples_as_they_are(string file, string? marker)
    {
        var text = File.ReadAllText(RepoRoot.Combine(file));
        var example = marker is null ? text : string.Join('\n', text.Split(marker)[1].Split('\n').Select(line => line.Length > 8 ? line[8..] : ""));
        File.ReadAllText(RepoRoot.Combine("README.md")).ShouldContain(example.Trim());
    }

    [Xunit.Fact]
    public async Task The_example_of_the_README_runs_as_it_stands_there()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        var now = await FirstReplica.RunAsync(new SyncClientOptions { Writers = [writer.Url.ToString()] }, rig.Broker);
        now.ShouldBe(new User("Ada", 36));
    }

    [Xunit.Fact]
    public async Task The_example_in_another_language_prints_what_is_written()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var client = rig.Client(writer);
        await using var example = ServiceProcess.Start(new ServiceStart("node")
        {
            Arguments = ["first.mjs"],
            WorkingDirectory = await NodeConsumer.FolderAsync(),
            Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["SYNC_NATS"] = rig.Nats.Url },
        });
        // The example has no birth fetch, so it is written to until it has subscribed.
        var shown = example.WaitForLineAsync("Name: 'Ada'");
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var age = 1; !shown.IsCompleted && await tick.WaitForNextTickAsync(); age++)
            await client.PutAsync("acme", "user", "123", new User("Ada", age), schema: Users);
        (await shown).ShouldContain("1.0");
    }
}

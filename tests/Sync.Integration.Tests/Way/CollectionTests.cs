using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Integration.Tests.Samples;
using Sync.MessagePack;
using Sync.Replication;
using Xunit;

namespace Sync.Integration.Tests.Way;

/// <summary>Collection replicas as a program opens them, on real processes: they hold what the writer says it holds.</summary>
public sealed class CollectionTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly SyncSchema<User> Users = SyncSchema.Json(SampleJson.Default.User, new SchemaVersion("1.0"));

    private static readonly SyncedKey[] Keys =
        [.. Enumerable.Range(0, 300).Select(number => new SyncedKey($"load--p{number % 7}", "item", $"key {number}.ü"))];

    [Xunit.Fact]
    public async Task The_example_of_a_collection_runs_as_it_stands_in_the_README()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        var (adult, shown, first) =
            await FirstCollection.RunAsync(new SyncClientOptions { Writers = [writer.Url.ToString()] }, rig.Broker);
        (adult, shown, first).ShouldBe(("123", new User("Ada", 36), new User("Tim", 7)));
    }

    [Xunit.Fact]
    public async Task A_group_loaded_among_writes_equals_the_writer_after_a_killed_writer_and_a_killed_broker()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var client = rig.Client(writer);
        var load = new Load(client, Keys, seed: 31);
        load.Start(producers: 8);
        await load.AdvanceAsync(300);
        await using var group = await client.GroupAsync("load", "item", SyncSchema.Raw);
        await load.AdvanceAsync(200);
        await writer.Process.KillAsync();
        await rig.StartWriterAsync(writer.Url.Port);
        await load.AdvanceAsync(200);
        await rig.Nats.KillAsync();
        await rig.Nats.StartAgainAsync();
        await load.AdvanceAsync(200);
        await load.StopAsync();

        foreach (var vault in Keys.Select(key => key.Vault).Distinct(StringComparer.Ordinal))
            await EqualAsync(client, group, vault, "item");
        await group.WhenLoadedAsync().WaitAsync(Bound);
        group.Feeds.Select(feed => feed.Feed).Distinct().Count().ShouldBeGreaterThan(1, "one feed alone shows less");
    }

    [Xunit.Fact]
    public async Task A_replica_of_a_vault_follows_the_events_of_a_History_beside_the_records_of_a_Store()
    {
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var client = rig.Client(writer);
        await client.AppendAsync("acme", "login", new User("Ada", 1), schema: Users);
        await using var vault = await client.VaultAsync("acme", Users);
        await vault.WhenLoadedAsync().WaitAsync(Bound);
        vault.Count.ShouldBe(1);

        await client.AppendAsync("acme", "login", new User("Tim", 2), key: "second", schema: Users);
        var receipt = await client.PutAsync("acme", "user", "123", new User("Ada", 36), schema: Users);
        await vault.WaitForAsync(receipt.At, Bound);
        vault.TryGetValue(new SyncedKey("acme", "login", "second"), out var held).ShouldBeTrue();
        held.ShouldBe(new User("Tim", 2));
        await EqualAsync(client, vault, "acme", "login");
        await EqualAsync(client, vault, "acme", "user");
    }

    private static async Task EqualAsync<T>(SyncClient client, CollectionReplica<T> replica, string vault, string collection)
    {
        var wanted = await client.Writer.DigestAsync(vault, collection);
        wanted.Count.ShouldBeGreaterThan(0);
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var most = new CancellationTokenSource(Bound);
        while (replica.Digest(vault, collection) != wanted && !most.IsCancellationRequested) await tick.WaitForNextTickAsync();
        replica.Digest(vault, collection).ShouldBe(wanted, vault);
    }
}

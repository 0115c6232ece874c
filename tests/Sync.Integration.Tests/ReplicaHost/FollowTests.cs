using System.Text.Json;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>Replica hosts keep a whole group in step with the writer, whatever happens to them.</summary>
public sealed class FollowTests : IClassFixture<HostFixture>, IAsyncLifetime
{
    private static int s_groups;

    private readonly HostRig _rig;
    private readonly string _group = $"follow{Interlocked.Increment(ref s_groups)}";
    private readonly string[] _shards;

    public FollowTests(HostFixture fixture)
    {
        _rig = fixture.Rig;
        _shards = [.. "abcde".Select(Shard)];
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await _rig.EndHostsAsync();

    [Fact]
    public async Task A_host_from_the_start_and_one_that_joins_late_hold_what_the_writer_holds()
    {
        var early = await _rig.StartHostAsync(_group);
        await WriteAsync(0);
        await WriteAsync(1);
        var late = await _rig.StartHostAsync(_group);
        await WriteAsync(2);
        await SameAsync(early);
        await SameAsync(late);
        (await early.ScopeAsync()).GetProperty("records").GetInt64().ShouldBe(_shards.Length * 80);
    }

    [Fact]
    public async Task A_shard_that_is_new_appears_by_itself()
    {
        var host = await _rig.StartHostAsync(_group);
        await WriteAsync(0);
        await SameAsync(host);
        await _rig.PutAsync(_group + "--new", "c", "k", "{\"n\":1}");
        await _rig.SameAsync(host, "c", _group + "--new");
        var vaults = (await host.JsonAsync($"/v1/vaults?group={_group}")).GetProperty("items").EnumerateArray()
            .Select(item => item.GetProperty("vault").GetString()).ToArray();
        vaults.ShouldBe([.. _shards, _group + "--new"]);
    }

    [Fact]
    public async Task One_host_follows_a_vault_of_a_group_a_vault_of_none_and_a_collection_of_another_group()
    {
        await WriteAsync(0);
        var (vault, other) = ($"alone{_group}", $"other{_group}");
        foreach (var (name, collection) in ((string, string)[])[(vault, "c"), (other + "--x", "c"), (other + "--x", "d")])
            await _rig.PutAsync(name, collection, "k", "{}");
        var host = await _rig.StartHostAsync(
            other, ("ReplicaHost__Follow__0__Collection", "c"), ("ReplicaHost__Follow__1__Vault", Shard('a')),
            ("ReplicaHost__Follow__2__Vault", vault));
        await _rig.SameAsync(host, "c", Shard('a'), vault, other + "--x");
        await _rig.PutAsync(vault, "new", "k", "{}");
        await _rig.SameAsync(host, "new", vault);
        foreach (var path in (string[])[$"{Shard('b')}/c", $"{other}--x/d"])
            (await host.StatusCodeAsync("/v1/vaults/" + path)).ShouldBe(System.Net.HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_host_that_was_killed_holds_all_again_after_its_start()
    {
        var host = await _rig.StartHostAsync(_group);
        await WriteAsync(0);
        await host.Process.KillAsync();
        await WriteAsync(1);
        await host.StartAgainAsync();
        await SameAsync(host);
    }

    [Fact]
    public async Task A_host_that_stood_still_for_5_s_catches_up()
    {
        var host = await _rig.StartHostAsync(_group);
        await WriteAsync(0);
        host.Process.Pause();
        using var tick = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var second = 0; second < 5; second++)
        {
            await WriteAsync(second);
            await tick.WaitForNextTickAsync();
        }
        host.Process.Continue();
        await SameAsync(host);
    }

    [Fact]
    public async Task A_broker_that_is_killed_and_comes_back_costs_nothing()
    {
        var host = await _rig.StartHostAsync(_group);
        await WriteAsync(0);
        await _rig.Broker.KillAsync();
        await WriteAsync(1);
        await host.Process.WaitUntilAsync(
            async () => (await host.TextAsync("/readyz")).StartsWith("{\"status\":\"degraded\"", StringComparison.Ordinal), "miss its broker");
        (await host.StatusCodeAsync($"/v1/vaults/{_group}--a/c/k11")).ShouldBe(System.Net.HttpStatusCode.OK);
        await _rig.Broker.StartAgainAsync();
        await SameAsync(host);
        await host.ReadyAsync();
    }

    [Fact]
    public async Task What_the_document_gate_refuses_is_named_until_the_next_change_puts_it_right()
    {
        var host = await _rig.StartHostAsync(_group);
        await _rig.PutAsync(Shard('a'), "c", "bad", "{\"n\":1}");
        await _rig.PutAsync(Shard('a'), "c", "bad", "null");
        await _rig.PutAsync(Shard('b'), "c", "worse", "null");
        await host.Process.WaitUntilAsync(async () => await RefusedAsync(host) == 2, "refuse two values");
        var keys = (await host.ScopeAsync()).GetProperty("skew").GetProperty("keys").EnumerateArray()
            .OrderBy(key => key.GetProperty("key").GetString(), StringComparer.Ordinal).ToArray();
        keys[0].GetProperty("vault").GetString().ShouldBe(Shard('a'));
        keys[0].GetProperty("key").GetString().ShouldBe("bad");
        keys[0].GetProperty("sequence").GetInt64().ShouldBe(2);
        keys[0].GetProperty("reason").GetString()!.ShouldContain("a document is a map");
        keys[1].GetProperty("key").GetString().ShouldBe("worse");
        var held = await host.JsonAsync($"/v1/vaults/{_group}--a/c/bad");
        held.GetProperty("sequence").GetInt64().ShouldBe(1);
        held.GetProperty("value").GetProperty("n").GetInt64().ShouldBe(1);
        await _rig.PutAsync(Shard('a'), "c", "bad", "{\"n\":3}");
        await _rig.PutAsync(Shard('b'), "c", "worse", "{\"n\":2}");
        await host.Process.WaitUntilAsync(async () => await RefusedAsync(host) == 0, "take what is right again");
        await _rig.SameAsync(host, "c", Shard('a'), Shard('b'));
    }

    private string Shard(char partition) => $"{_group}--{partition}";

    private static async Task<long> RefusedAsync(HostProcess host) =>
        (await host.ScopeAsync()).GetProperty("skew").GetProperty("count").GetInt64();

    private Task SameAsync(HostProcess host) => _rig.SameAsync(host, "c", _shards);

    // 100 keys a shard, each put; a fifth of them deleted again.
    private Task WriteAsync(int round) => _rig.BatchAsync(
        from shard in _shards
        from number in Enumerable.Range(0, 100)
        from isDelete in number % 5 == 0 ? (bool[])[false, true] : [false]
        select isDelete
            ? $$"""{"vault":"{{shard}}","collection":"c","key":"k{{number}}","op":"delete"}"""
            : $$"""{"vault":"{{shard}}","collection":"c","key":"k{{number}}","value":{"round":{{round}} } }""");
}

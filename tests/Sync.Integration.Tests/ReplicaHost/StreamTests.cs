using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>What is held, then its changes.</summary>
public sealed class StreamTests(HostFixture fixture) : IClassFixture<HostFixture>, IAsyncLifetime
{
    private readonly HostRig _rig = fixture.Rig;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await _rig.EndHostsAsync();

    [Fact]
    public async Task A_stream_begins_with_all_and_goes_on_with_each_change()
    {
        await _rig.BatchAsync(Lines("g--a", 450));
        await _rig.PutAsync("g--b", "c", "k", "{}");
        await _rig.PutAsync("g--b", "other", "k", "{}");
        var host = await _rig.StartHostAsync("g");
        await using var all = await EventReader.OpenAsync(host.Http, "/v1/stream?group=g&collection=c");
        await using var one = await EventReader.OpenAsync(host.Http, "/v1/stream?vault=g--b");
        all.Response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        (await all.SnapshotAsync()).Count.ShouldBe(451);
        (await one.SnapshotAsync()).Keys.Order(StringComparer.Ordinal).ShouldBe(["g--b/c/k", "g--b/other/k"]);
        await _rig.PutAsync("g--a", "c", "new", "{\"n\":1}");
        await _rig.BatchAsync(["""{"vault":"g--b","collection":"c","key":"k","op":"delete"}"""]);
        var (put, deleted) = (default(System.Text.Json.JsonElement), default(System.Text.Json.JsonElement));
        for (var left = 2; left > 0; left--)
        {
            var (name, data) = (await all.NextAsync())!.Value;
            if (name == "put") put = data;
            else if (name == "delete") deleted = data;
        }
        EventReader.KeyOf(put).ShouldBe("g--a/c/new");
        put.GetProperty("value").GetProperty("n").GetInt64().ShouldBe(1);
        EventReader.KeyOf(deleted).ShouldBe("g--b/c/k");
        deleted.GetProperty("sequence").GetInt64().ShouldBe(2);
        var own = (await one.NextAsync())!.Value;
        own.Name.ShouldBe("delete");
        (await host.JsonAsync("/v1/status")).GetProperty("streams").GetProperty("open").GetInt64().ShouldBe(2);
    }

    [Fact]
    public async Task A_client_that_is_too_far_behind_begins_again_and_ends_with_the_same()
    {
        var host = await _rig.StartHostAsync(
            "slow", ("ReplicaHost__ChangesKept", "16"), ("ReplicaHost__Streams__WriteTimeout", "00:00:30"));
        await using var reader = await EventReader.OpenAsync(host.Http, "/v1/stream?group=slow");
        (await reader.SnapshotAsync()).Count.ShouldBe(0);
        // Far more than the sockets' buffers hold, while nobody reads.
        var large = new string('x', 100_000);
        for (var round = 0; round < 200; round++)
            await _rig.PutAsync("slow--a", "c", $"k{round % 40}", $$"""{"r":{{round}},"x":"{{large}}"}""");
        await _rig.SameAsync(host, "c", "slow--a");
        var held = new Dictionary<string, long>(StringComparer.Ordinal);
        var resets = 0;
        while (held.Count < 40 || held.Values.Any(sequence => sequence < 5))
        {
            var (name, data) = (await reader.NextAsync())!.Value;
            if (name == "put") held[EventReader.KeyOf(data)] = data.GetProperty("sequence").GetInt64();
            if (name != "reset") continue;
            resets++;
            held = await reader.SnapshotAsync();
        }
        resets.ShouldBeGreaterThan(0);
        held.Values.ShouldAllBe(sequence => sequence == 5);
    }

    [Fact]
    public async Task One_more_stream_than_allowed_is_refused_and_the_next_after_one_left_is_not()
    {
        var host = await _rig.StartHostAsync("few", ("ReplicaHost__Streams__StreamsMax", "1"));
        await using (var first = await EventReader.OpenAsync(host.Http, "/v1/stream?group=few"))
        {
            await first.SnapshotAsync();
            using var second = await host.Http.GetAsync("/v1/stream?group=few");
            second.StatusCode.ShouldBe(System.Net.HttpStatusCode.ServiceUnavailable);
            second.Headers.RetryAfter.ShouldNotBeNull();
        }
        await host.Process.WaitUntilAsync(
            async () => (await host.JsonAsync("/v1/status")).GetProperty("streams").GetProperty("open").GetInt64() == 0,
            "see that the client left");
        await using var third = await EventReader.OpenAsync(host.Http, "/v1/stream?group=few");
        await third.SnapshotAsync();
    }

    private static IEnumerable<string> Lines(string vault, int count) => Enumerable.Range(0, count).Select(number =>
        $$$"""{"vault":"{{{vault}}}","collection":"c","key":"k{{{number}}}","value":{"n":{{{number}}}}}""");
}

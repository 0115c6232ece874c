using System.Net.Http.Json;
using System.Text.Json;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Xunit;

namespace Sync.Integration.Tests.Way;

/// <summary>A whole group, followed by hosts that come late, restart, stand still, and lose their broker, and by a consumer in
/// another language: at the end every one of them holds what the input says, shard by shard.</summary>
public sealed class GroupTests(ITestOutputHelper output)
{
    private static readonly TimeSpan ConvergeMax = TimeSpan.FromSeconds(5);

    [Xunit.Fact]
    public async Task Every_follower_of_a_group_holds_what_the_input_says()
    {
        var input = GroupInput.Read(seed: 21, generated: 3000);
        await using var rig = await WayRig.StartAsync();
        var writer = await rig.StartWriterAsync();
        await using var client = rig.Client(writer);
        var first = await rig.StartHostAsync(input);
        var node = await rig.FollowGroupFromNodeAsync(input);
        var writes = new Import(client, input.Changes);

        await writes.AdvanceToAsync(0.4);
        var second = await rig.StartHostAsync(input);
        await writes.AdvanceToAsync(0.5);
        first.Process.Pause();
        await writes.AdvanceToAsync(0.6);
        await rig.Nats.StopAsync();
        await rig.Nats.StartAgainAsync();
        await writes.AdvanceToAsync(0.7);
        await Pause();
        first.Process.Continue();
        await second.Process.KillAsync();
        second = await rig.StartHostAsync(input, second.Url.Port);
        await writes.AdvanceToAsync(0.85);
        (await first.Process.TerminateAsync()).ShouldBe(0);
        first = await rig.StartHostAsync(input, first.Url.Port);
        await writes.AdvanceToAsync(1);

        await EqualAsync(input, writer.Url, first, second, node);
    }

    // A consumer that stands still for long: its broker gives it up, and it must find its way back alone.
    private static async Task Pause()
    {
        using var tick = new PeriodicTimer(
            TimeSpan.FromSeconds(Environment.GetEnvironmentVariable(GroupInput.FileVariable) is null ? 4 : 20));
        await tick.WaitForNextTickAsync();
    }

    private async Task EqualAsync(GroupInput input, Uri writer, GroupFollower first, GroupFollower second, GroupFollower node)
    {
        using var http = new HttpClient();
        var shards = input.Shards();
        var written = new Dictionary<string, Digest>(StringComparer.Ordinal);
        foreach (var (vault, shard) in shards)
        {
            written[vault] = await DigestAsync(http, writer, vault, input.Collection);
            (written[vault].Count, written[vault].Hash).ShouldBe((shard.Digest.Count, shard.Digest.Digest.ToString()), vault);
        }
        var whole = written.Where(shard => shards[shard.Key].Refused.Count == 0).ToDictionary(StringComparer.Ordinal);
        foreach (var host in (GroupFollower[])[first, second])
        {
            var took = await ConvergeAsync(async () =>
            {
                foreach (var (vault, wanted) in whole)
                    if (await DigestAsync(http, host.Url, vault, input.Collection) is var held && held != wanted)
                        return $"{host.Url} {vault}: {held} instead of {wanted}";
                return null;
            });
            output.WriteLine($"{host.Url}: {whole.Count} of {shards.Count} shards equal after {took}");
        }
        var nodeTook = await ConvergeAsync(async () =>
        {
            var answer = await http.GetFromJsonAsync<JsonElement>(new Uri(node.Url, "/v1/digests"));
            var held = answer.GetProperty("digests").EnumerateArray().ToDictionary(
                shard => shard.GetProperty("vault").GetString()!, Digest.Of, StringComparer.Ordinal);
            var wrong = whole.Where(shard => !held.TryGetValue(shard.Key, out var one) || one != shard.Value).ToList();
            return wrong.Count == 0 ? null : $"{wrong.Count} shards differ, {wrong[0]}: {held.GetValueOrDefault(wrong[0].Key)}; {answer.GetProperty("counters")}";
        });
        output.WriteLine($"Node.js: {whole.Count} shards equal after {nodeTook}");
        await RefusedAsync(http, input, node);
    }

    // The consumer that followed from the first change on met every value that is no document, once each.
    private static async Task RefusedAsync(HttpClient http, GroupInput input, GroupFollower node)
    {
        var answer = await http.GetFromJsonAsync<JsonElement>(new Uri(node.Url, "/v1/digests"));
        answer.GetProperty("counters").GetProperty("refused").GetInt32().ShouldBe(input.NilPuts);
        var refused = answer.GetProperty("refused").EnumerateObject().Select(key => key.Name);
        refused.ShouldBe(
            input.Shards().SelectMany(shard => shard.Value.Refused.Select(key => $"{shard.Key}/{input.Collection}/{key}")), ignoreOrder: true);
    }

    private static async Task<TimeSpan> ConvergeAsync(Func<Task<string?>> differs)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await differs() is { } difference)
        {
            if (TimeProvider.System.GetElapsedTime(started) is var elapsed && elapsed > ConvergeMax)
                throw new InvalidOperationException($"not equal after {elapsed}: {difference}");
            await tick.WaitForNextTickAsync();
        }
        return TimeProvider.System.GetElapsedTime(started);
    }

    private static async Task<Digest> DigestAsync(HttpClient http, Uri service, string vault, string collection) =>
        Digest.Of(await http.GetFromJsonAsync<JsonElement>(new Uri(service, $"/v1/digests/{vault}/{collection}")));

    private sealed record Digest(long Count, long Position, string Hash)
    {
        public static Digest Of(JsonElement json) => new(
            json.GetProperty("count").GetInt64(), json.GetProperty("position").GetInt64(), json.GetProperty("digest").GetString()!);
    }

    /// <summary>Writes the changes in their order, a bounded number under way.</summary>
    private sealed class Import(SyncClient client, IReadOnlyList<WriteCommand> changes)
    {
        private const int UnderWayMax = 500;
        private int _done;

        public async Task AdvanceToAsync(double part)
        {
            var underWay = new Queue<Task<WriteResult>>();
            for (; _done < (int)(changes.Count * part); _done++)
            {
                underWay.Enqueue(client.WriteAsync(changes[_done]));
                if (underWay.Count >= UnderWayMax) (await underWay.Dequeue()).ShouldBeOfType<WriteResult.Committed>();
            }
            foreach (var write in underWay) (await write).ShouldBeOfType<WriteResult.Committed>();
        }
    }
}

using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Integration.Tests.Way;
using Sync.MessagePack;
using Sync.Testing.Data;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Insights;

/// <summary>A whole stack with an Insight host in a process of its own, and what its summaries must be.</summary>
internal sealed class InsightRig : IAsyncDisposable
{
    public const string Vault = "insight";

    private static readonly HttpClient Http = new();
    private static readonly string[] Kinds = ["counts", "totals", "newest"];
    private readonly List<ServiceProcess> _hosts = [];
    private readonly Dictionary<string, string?> _more;

    private InsightRig(WayRig way, Dictionary<string, string?> more) => (Way, _more) = (way, more);

    public WayRig Way { get; }

    public WriterProcess Writer { get; set; } = null!;

    public Uri Url { get; } = new($"http://127.0.0.1:{Ports.Free()}");

    public static async Task<InsightRig> StartAsync(params (string Name, string Value)[] more)
    {
        var rig = new InsightRig(await WayRig.StartAsync(), more.ToDictionary(one => "Sync__InsightHost__" + one.Name, one => (string?)one.Value, StringComparer.Ordinal));
        rig.Writer = await rig.Way.StartWriterAsync();
        return rig;
    }

    public SyncClient Client() => Way.Client(Writer);

    public async Task<ServiceProcess> StartHostAsync()
    {
        var environment = new Dictionary<string, string?>(_more, StringComparer.Ordinal)
        {
            ["Sync__Access__Open"] = "true",
            ["Sync__InsightHost__Urls"] = Url.ToString(),
            ["Sync__InsightHost__WriterUrls__0"] = Writer.Url.ToString(),
            ["Sync__Nats__Url"] = Way.Nats.Url,
        };
        for (var number = 0; number < Kinds.Length; number++)
        {
            var section = $"Sync__InsightHost__Derivations__{number}__";
            (environment[section + "Name"], environment[section + "Kind"], environment[section + "TargetCollection"]) = (Kinds[number], Kinds[number], Kinds[number]);
            (environment[section + "Group"], environment[section + "Collection"]) = (AdvisoryGenerator.Group, AdvisoryGenerator.Collection);
            environment[section + "TargetVault"] = Vault;
            if (number > 0) environment[section + "Field"] = number == 1 ? "score" : "revision";
        }
        var process = ServiceProcess.Start(ServiceStart.Service("Sync.InsightHost") with { Environment = environment });
        _hosts.Add(process);
        await process.WaitForHttpOkAsync(new Uri(Url, "/readyz"));
        return process;
    }

    /// <summary>Writes changes in their order, as one stream.</summary>
    public static async Task WriteAsync(SyncClient client, IEnumerable<AdvisoryChange> changes)
    {
        var results = await Task.WhenAll(changes.Select(change => client.WriteAsync(new WriteCommand
        {
            Key = new SyncedKey(change.Vault, AdvisoryGenerator.Collection, change.Key),
            Op = change.Value is null ? ChangeOp.Delete : ChangeOp.Put,
            Value = JsonTranscoder.ToMsgPack(Encoding.UTF8.GetBytes(change.Value ?? "null"), out _)!,
        })));
        results.ShouldAllBe(result => result is WriteResult.Committed);
    }

    public async Task<JsonElement> GetAsync(string path) => await Http.GetFromJsonAsync<JsonElement>(new Uri(Url, path));

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(method, new Uri(Url, path)) { Content = body is null ? null : JsonContent.Create(body) };
        change?.Invoke(request);
        return Http.SendAsync(request);
    }

    public async Task<JsonElement> RefreshAsync(object body)
    {
        using var response = await SendAsync(HttpMethod.Post, "/v1/insights/refresh", body);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Waits until everything is in summaries or dead letters.</summary>
    public async Task<JsonElement> SettleAsync()
    {
        var settled = await GetAsync("/v1/insights/settled?wait=60");
        settled.GetProperty("settled").GetBoolean().ShouldBeTrue(settled + (await GetAsync("/v1/status")).ToString());
        return settled;
    }

    /// <summary>All summaries of a kind, by partition key.</summary>
    public async Task<Dictionary<string, JsonElement>> SummariesAsync(string kind)
    {
        var page = await Http.GetFromJsonAsync<JsonElement>(new Uri(Writer.Url, $"/v1/vaults/{Vault}/{kind}?limit=1000"));
        return page.GetProperty("items").EnumerateArray().ToDictionary(
            item => item.GetProperty("key").GetString()!, item => item.GetProperty("value"), StringComparer.Ordinal);
    }

    /// <summary>Each shard has exactly one summary of each derivation, and it is what the input says.</summary>
    public async Task SummariesShouldBeOfAsync(IReadOnlyList<AdvisoryChange> changes)
    {
        var shards = AdvisoryGenerator.Heads(changes).GroupBy(head => Names.Split(head.Key.Vault).Partition!, StringComparer.Ordinal)
            .ToDictionary(shard => shard.Key, shard => shard.Where(head => head.Value.Value is not null).ToList(), StringComparer.Ordinal);
        foreach (var kind in Kinds)
        {
            var summaries = await SummariesAsync(kind);
            summaries.Keys.Order(StringComparer.Ordinal).ShouldBe(shards.Keys.Order(StringComparer.Ordinal));
            foreach (var (partition, live) in shards)
            {
                var records = live.Select(head => (head.Key.Key, Value: JsonDocument.Parse(head.Value.Value!).RootElement)).ToList();
                Check(kind, summaries[partition].GetProperty("summary"), records, $"{kind} of {partition}");
                summaries[partition].GetProperty("provenance").GetProperty("records").GetInt32().ShouldBe(live.Count);
            }
        }
    }

    /// <summary>R7 from the ledger alone: every summary of a count is the fold of the facts up to its own position.</summary>
    public async Task SummariesShouldBeFoldsAsync(SyncClient client)
    {
        var facts = await WayRig.FactsAsync(client);
        foreach (var (partition, record) in await SummariesAsync("counts"))
        {
            var provenance = record.GetProperty("provenance");
            var vault = AdvisoryGenerator.Group + Names.ShardSeparator + partition;
            var live = facts
                .Where(fact => fact.Key.Vault == vault && fact.Position.Value <= provenance.GetProperty("position").GetInt64())
                .GroupBy(fact => fact.Key.Key, StringComparer.Ordinal).Select(key => key.Last()).Where(fact => fact.Op == ChangeOp.Put).ToList();
            var summary = record.GetProperty("summary");
            (summary.GetProperty("live").GetInt32(), summary.GetProperty("bytes").GetInt64())
                .ShouldBe((live.Count, live.Sum(fact => (long)fact.Value.Length)), partition);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts) await host.DisposeAsync();
        await Way.DisposeAsync();
    }

    private static void Check(string kind, JsonElement summary, List<(string Key, JsonElement Value)> live, string what)
    {
        var records = live.Where(record => record.Value.ValueKind == JsonValueKind.Object).ToList();
        switch (kind)
        {
            case "counts":
                summary.GetProperty("live").GetInt32().ShouldBe(live.Count, what);
                break;
            case "totals":
                summary.GetProperty("present").GetInt32().ShouldBe(records.Count, what);
                Number(summary.GetProperty("sum").GetString()!).ShouldBe(records.Sum(record => Number(record.Value.GetProperty("score").GetRawText())), what);
                summary.GetProperty("groups").EnumerateArray().Sum(group => group[1].GetInt32()).ShouldBe(records.Count, what);
                break;
            default:
                var newest = records.Count == 0 ? null : records.MaxBy(record => record.Value.GetProperty("revision").GetInt64()).Key;
                summary.GetProperty("key").GetString().ShouldBe(newest, what);
                break;
        }
    }

    private static decimal Number(string text) => decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Shouldly;
using Sync.Integration.Tests.Cli;
using Sync.Testing.Data;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Insights;

/// <summary>The routes of the Insight host and the command that calls them, on shards of which some are too large to derive.</summary>
public sealed class InsightHostTests : IAsyncLifetime
{
    private const int RecordsMax = 8;
    private static readonly IReadOnlyList<AdvisoryChange> Changes = AdvisoryGenerator.Make(seed: 5, count: 400);
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-insight-").FullName;
    private InsightRig _rig = null!;

    public async ValueTask InitializeAsync()
    {
        _rig = await InsightRig.StartAsync(
            ("ShardRecordsMax", $"{RecordsMax}"), ("RetriesMax", "1"), ("RetryDelayMin", "00:00:00.010"));
        // Before the host starts: it would derive a shard that is not too large yet, and that summary stays.
        await using (var client = _rig.Client()) await InsightRig.WriteAsync(client, Changes);
        await _rig.StartHostAsync();
        await _rig.SettleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _rig.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Xunit.Fact]
    public async Task A_shard_that_cannot_be_derived_is_listed_the_others_are_derived_and_it_is_replayed_when_it_can()
    {
        var live = LiveByPartition();
        var large = live.Where(shard => shard.Value.Count > RecordsMax).Select(shard => shard.Key).Order(StringComparer.Ordinal).ToList();
        large.Count.ShouldBeInRange(1, live.Count - 5);

        var letters = await _rig.GetAsync("/v1/deadletters?limit=1000");
        letters.GetProperty("count").GetInt32().ShouldBe(large.Count);
        letters.GetProperty("items").EnumerateArray().Select(letter => letter.GetProperty("vault").GetString()).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal).ShouldBe(large.Select(partition => "gen--" + partition));
        letters.GetProperty("items")[0].GetProperty("detail").GetString().ShouldNotBeNull().ShouldContain($"more than {RecordsMax} records");
        var summaries = await _rig.SummariesAsync("counts");
        summaries.Keys.Order(StringComparer.Ordinal).ShouldBe(live.Keys.Except(large, StringComparer.Ordinal).Order(StringComparer.Ordinal));

        // The refresh tells the same, and once the shard is small enough it is no dead letter any more.
        var (small, bad) = (summaries.Keys.First(), large[0]);
        var report = await _rig.RefreshAsync(new { only = new[] { small, bad, "unknown" }, derivation = "counts" });
        report.GetProperty("written").GetInt32().ShouldBe(1);
        report.GetProperty("skippedVaults").EnumerateArray()
            .Select(one => (one.GetProperty("vault").GetString(), one.GetProperty("derivation").GetString(), one.GetProperty("reason").GetString()))
            .ShouldBe([($"gen--{bad}", "counts", "error"), ("gen--unknown", null, "error")], ignoreOrder: true);
        await using (var client = _rig.Client())
            foreach (var key in live[bad].Skip(2)) await client.DeleteAsync($"gen--{bad}", AdvisoryGenerator.Collection, key);
        (await _rig.SettleAsync()).GetProperty("dead_letters").GetInt32().ShouldBe(large.Count - 1);
        (await _rig.SummariesAsync("counts"))[bad].GetProperty("summary").GetProperty("live").GetInt32().ShouldBe(2);

        var status = (await _rig.GetAsync("/v1/status")).GetProperty("groups")[0];
        (status.GetProperty("settled").GetBoolean(), status.GetProperty("shards").GetInt32(), status.GetProperty("feeds").GetArrayLength())
            .ShouldBe((true, live.Count, 8));
        status.GetProperty("counters").GetProperty("retries").GetInt64().ShouldBeGreaterThan(0);
    }

    [Xunit.Fact]
    public async Task The_command_refreshes_and_says_what_was_skipped()
    {
        var small = (await _rig.SummariesAsync("counts")).Keys.First();

        var done = await RunAsync("insight", "refresh", "--only", small, "--json");
        (done.Code, done.Json.GetProperty("written").GetInt32()).ShouldBe((0, 3));

        var partly = await RunAsync("insight", "refresh", "--only", small + ",unknown", "--derivation", "counts");
        partly.Code.ShouldBe(1);
        partly.Out.ShouldContain("1 summaries written, 1 skipped");
        partly.Out.ShouldContain("gen--unknown");

        var failed = await RunAsync("insight", "refresh", "--only", "unknown", "--fail-fast");
        failed.Code.ShouldBe(1);
        failed.Err.ShouldContain("there is no such shard");

        var wrong = await RunAsync("insight", "refresh", "--derivation", "unknown");
        wrong.Code.ShouldBe(2);
        wrong.Err.ShouldContain("there is no derivation of that name");
    }

    [Xunit.Fact]
    public async Task Foreign_callers_and_requests_that_cannot_be_read_are_refused()
    {
        using var origin = await _rig.SendAsync(
            HttpMethod.Post, "/v1/insights/refresh", new { }, request => request.Headers.Add("Origin", "http://evil.example"));
        await ShouldBeAsync(origin, HttpStatusCode.Forbidden, "foreign-origin");
        using var host = await _rig.SendAsync(HttpMethod.Get, "/v1/status", null, request => request.Headers.Host = "evil.example");
        await ShouldBeAsync(host, HttpStatusCode.MisdirectedRequest, "foreign-host");
        using var member = await _rig.SendAsync(HttpMethod.Post, "/v1/insights/refresh", new { onyl = new[] { "a" } });
        await ShouldBeAsync(member, HttpStatusCode.BadRequest, "malformed-request");
        using var type = await _rig.SendAsync(HttpMethod.Post, "/v1/insights/refresh", new { only = "a" });
        await ShouldBeAsync(type, HttpStatusCode.BadRequest, "malformed-request");
        using var concurrency = await _rig.SendAsync(HttpMethod.Post, "/v1/insights/refresh", new { concurrency = 65 });
        await ShouldBeAsync(concurrency, HttpStatusCode.BadRequest, "malformed-request");
        using var query = await _rig.SendAsync(HttpMethod.Get, "/v1/deadletters?limt=1");
        await ShouldBeAsync(query, HttpStatusCode.BadRequest, "malformed-request");
        using var route = await _rig.SendAsync(HttpMethod.Get, "/v1/nothing");
        await ShouldBeAsync(route, HttpStatusCode.NotFound, "unknown-route");

        var paths = (await _rig.GetAsync("/openapi/v1.json")).GetProperty("paths");
        paths.EnumerateObject().Select(path => path.Name).ShouldBe(
            ["/v1/insights/refresh", "/v1/insights/settled", "/v1/deadletters", "/v1/status", "/healthz", "/readyz"], ignoreOrder: true);
    }

    [Xunit.Theory]
    [InlineData("Kind=median", "there is no kind 'median'")]
    [InlineData("TargetVault=gen--a", "one of the group's shards")]
    [InlineData("Colection=x", "is not a setting")]
    public async Task A_wrong_derivation_ends_the_process_with_one_line(string setting, string why)
    {
        var parts = setting.Split('=');
        var section = "Sync__InsightHost__Derivations__0__";
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            [section + "Name"] = "a",
            [section + "Kind"] = "counts",
            [section + "Group"] = "gen",
            [section + "Collection"] = "advisory",
            [section + "TargetVault"] = "insight",
            [section + "TargetCollection"] = "counts",
            ["Sync__Access__Open"] = "true",
            ["Sync__InsightHost__Urls"] = $"http://127.0.0.1:{Ports.Free()}",
        };
        environment[section + parts[0]] = parts[1];

        await using var process = ServiceProcess.Start(ServiceStart.Service("Sync.InsightHost") with { Environment = environment });

        await process.WaitForLineAsync(why);
        (await process.WaitForExitAsync()).ShouldBe(78);
    }

    private static Dictionary<string, List<string>> LiveByPartition() => AdvisoryGenerator.Heads(Changes)
        .GroupBy(head => head.Key.Vault["gen--".Length..], StringComparer.Ordinal)
        .ToDictionary(
            shard => shard.Key, shard => shard.Where(head => head.Value.Value is not null).Select(head => head.Key.Key).ToList(),
            StringComparer.Ordinal);

    private Task<CliResult> RunAsync(params string[] arguments) => CliRun.Start(
        [.. arguments, "--insight", _rig.Url.ToString()], "/dev/null", Path.Combine(_folder, Guid.NewGuid().ToString("N")),
        _rig.Writer.Url.ToString(), _rig.Way.Nats.Url).ResultAsync();

    private static async Task ShouldBeAsync(HttpResponseMessage response, HttpStatusCode status, string code)
    {
        response.StatusCode.ShouldBe(status);
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("type").GetString().ShouldBe("urn:sync:problem:" + code);
    }
}

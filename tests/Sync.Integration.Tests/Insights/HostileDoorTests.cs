using System.Net;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.HostileTests.Run;
using Sync.InsightHost;
using Sync.Integration.Tests.Hostile;
using Sync.Integration.Tests.Writer;
using Xunit;

namespace Sync.Integration.Tests.Insights;

/// <summary>Hostile bytes to an Insight host over real sockets and a real broker: it answers, and its summaries are of what
/// the writer holds, whoever else answers its requests.</summary>
[Collection(WriterTests.Name)]
public sealed class HostileDoorTests(WriterFixture fixture) : IAsyncLifetime
{
    private const int Shards = 5;
    private const int Rounds = 30;

    private readonly string _group = $"i{Guid.NewGuid():N}";
    private HostedApp _host = null!;

    private string Target => "insight" + _group;

    public async ValueTask InitializeAsync()
    {
        await WriteAsync(0);
        const string section = "--Sync:InsightHost:";
        const string derivation = section + "Derivations:0:";
        _host = await HostedApp.StartAsync(InsightHostApp.Build(
        [
            section + "Urls=http://127.0.0.1:0", "--Sync:Access:Open=true", $"{section}WriterUrls:0={fixture.Writer.Address}",
            $"--Sync:Nats:Url={fixture.BrokerUrl}", section + "RetriesMax=100", section + "RetryDelayMin=00:00:00.010",
            section + "RetryDelayMax=00:00:00.100", section + "RequestTimeout=00:00:01", derivation + "Name=counts",
            derivation + "Kind=counts", $"{derivation}Group={_group}", derivation + "Collection=c", $"{derivation}TargetVault={Target}",
            derivation + "TargetCollection=counts",
        ]));
        await _host.ReadyAsync();
        await ShouldSettleAtAsync(1);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Xunit.Fact]
    public async Task Hostile_requests_end_with_an_answer_or_a_closed_connection()
    {
        const string host = " HTTP/1.1\r\nHost: localhost\r\n";
        const string body = """{"only":["s1"],"concurrency":2,"derivation":"counts"}""";
        var before = HeldMemory.Now;
        await HttpDoor.ShouldAnswerAsync(
            _host.Port, "insight host", 1000,
            $"GET /v1/deadletters?limit=5{host}\r\n",
            $"GET /v1/insights/settled?wait=0{host}Accept: application/json;q=0.5, */*\r\n\r\n",
            $"POST /v1/insights/refresh{host}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}",
            $"POST /v1/insights/refresh{host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
            $"GET /v1/status{host}Authorization: Bearer sync_abcdefghijklmnop_{new string('a', 43)}\r\n\r\n");
        await ShouldBeWellAsync(before);
    }

    [Xunit.Fact]
    public async Task Hostile_bodies_of_a_refresh_are_carried_out_or_refused()
    {
        var damage = new Damage(
            new[] { """{"only":["s1","s2"],"concurrency":2,"derivation":"counts","failFast":true}""", """{"only":["unknown"],"minVersion":"1.0"}""" }
                .Select(Encoding.UTF8.GetBytes), Flavor.Text, "refreshes");
        var met = new HashSet<HttpStatusCode>();
        for (var index = 0; index < 400; index++)
        {
            using var body = new ByteArrayContent(damage.Next());
            body.Headers.ContentType = new("application/json");
            using var response = await _host.Http.PostAsync("/v1/insights/refresh", body);
            met.Add(response.StatusCode);
            var text = await response.Content.ReadAsStringAsync();
            ((int)response.StatusCode).ShouldBeInRange(200, 499, text);
            if ((int)response.StatusCode >= 400)
                JsonDocument.Parse(text).RootElement.GetProperty("type").GetString()!.ShouldStartWith("urn:sync:problem:");
        }
        met.ShouldContain(HttpStatusCode.BadRequest);
        await ShouldSettleAtAsync(1);
    }

    [Xunit.Theory]
    [InlineData("GET /v1/deadletters?limit={0} HTTP/1.1\r\nHost: localhost\r\n\r\n", 16 << 10, 414)]
    [InlineData("GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: {0}\r\n\r\n", 64 << 10, 431)]
    [InlineData("GET /v1/insights/settled?wait={0} HTTP/1.1\r\nHost: localhost\r\n\r\n", 3, 400)]
    [InlineData("POST /v1/insights/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{0}", 1, 413)]
    [InlineData("POST /v1/insights/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/{0}\r\nContent-Length: 2\r\n\r\n{}", 3, 415)]
    [InlineData("POST /v1/insights/refresh HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nX: {0}\r\n\r\n99999999999\r\n", 1, 400)]
    public async Task What_is_over_a_limit_or_not_known_is_answered_with_its_status(string form, int length, int status) =>
        (await HttpDoor.RawAsync(_host.Port, form.Replace("{0}", new string('x', length), StringComparison.Ordinal)))
            .ShouldStartWith($"HTTP/1.1 {status} ");

    [Xunit.Fact]
    public async Task Summaries_are_of_what_the_writer_holds_whoever_else_answers()
    {
        await using var bus = await fixture.ConnectAsync();
        var before = HeldMemory.Now;
        await using (var answers = await WrongAnswers.StartAsync(bus, "sync.snapshot.>", "sync.changes.>", "sync.vaults.>"))
        {
            for (var round = 1; round < Rounds; round++)
            {
                await WriteAsync(round);
                for (var shard = 0; shard < Shards; shard++)
                    (await LiveAsync(shard)).ShouldBeInRange(1, round + 1);
            }
            await WriterUnderTest.UntilAsync(() => Task.FromResult(answers.Given > 10));
        }
        await ShouldSettleAtAsync(Rounds);
        var counters = (await _host.JsonAsync("/v1/status")).GetProperty("groups")[0].GetProperty("counters");
        counters.GetProperty("retries").GetInt64().ShouldBeGreaterThan(0);
        (await _host.JsonAsync("/v1/deadletters")).GetProperty("count").GetInt32().ShouldBe(0);
        await ShouldBeWellAsync(before);
    }

    // One more record in each shard.
    private async Task WriteAsync(int round)
    {
        for (var shard = 0; shard < Shards; shard++)
            (await fixture.Writer.PutAsync($"/v1/vaults/{_group}--s{shard}/c/k{round}", "{\"n\":1}")).Status.ShouldBe(HttpStatusCode.Created);
    }

    private async Task<int> LiveAsync(int shard)
    {
        var answer = await fixture.Writer.GetAsync($"/v1/vaults/{Target}/counts/s{shard}");
        answer.Status.ShouldBe(HttpStatusCode.OK, answer.Text);
        return answer.Json.GetProperty("value").GetProperty("summary").GetProperty("live").GetInt32();
    }

    private async Task ShouldSettleAtAsync(int live)
    {
        await WriterUnderTest.UntilAsync(async () => (await _host.JsonAsync("/v1/insights/settled?wait=10")).GetProperty("settled").GetBoolean());
        for (var shard = 0; shard < Shards; shard++)
            await WriterUnderTest.UntilAsync(async () => (await fixture.Writer.GetAsync($"/v1/vaults/{Target}/counts/s{shard}")).Status == HttpStatusCode.OK
                && await LiveAsync(shard) == live);
    }

    private async Task ShouldBeWellAsync(long before)
    {
        await _host.ReadyAsync();
        await HeldMemory.ShouldComeBackToAsync(before);
    }
}

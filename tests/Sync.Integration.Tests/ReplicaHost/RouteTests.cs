using System.Net;
using System.Text.Json;
using Shouldly;
using Sync.Integration.Tests.Writer;
using Sync.MessagePack;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>A rig with a few records, and a host that follows some of them.</summary>
public sealed class RouteFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal HostRig Rig { get; private set; } = null!;

    internal HostProcess Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Rig = await HostRig.StartAsync(postgres);
        await Rig.BatchAsync(Enumerable.Range(0, 25).Select(number =>
            $$"""{"vault":"g--a","collection":"c","key":"k{{number:D2}}","value":{"n":{{number}} },"schema_version":"2.1"}"""));
        await Rig.PutAsync("g--a", "c", "../ä%2F", "{\"n\":-1}");
        await Rig.PutAsync("g--b", "c", "gone", "{\"n\":1}");
        await Rig.PutAsync("g--b", "other", "k", "{\"n\":1}");
        await Rig.PutAsync("elsewhere", "c", "k", "{\"n\":1}");
        Host = await Rig.StartHostAsync("g", ("ReplicaHost__Follow__0__Collection", "c"));
    }

    public ValueTask DisposeAsync() => Rig.DisposeAsync();
}

/// <summary>What a replica host answers.</summary>
public sealed class RouteTests(RouteFixture fixture) : IClassFixture<RouteFixture>
{
    private readonly HostRig _rig = fixture.Rig;
    private readonly HostProcess _host = fixture.Host;

    [Fact]
    public async Task A_record_is_answered_as_the_writer_answers_it()
    {
        foreach (var path in (string[])["/v1/vaults/g--a/c/k07", "/v1/vaults/g--a/c/..%2F%C3%A4%252F"])
        {
            using var here = await GetAsync(path);
            here.StatusCode.ShouldBe(HttpStatusCode.OK);
            here.Headers.ETag!.Tag.ShouldBe("\"1\"");
            here.Headers.GetValues("Sync-Status").ShouldBe(["ok"]);
            var (position, known) = (here.Headers.GetValues("Sync-Position").Single(),
                here.Headers.GetValues("Sync-Known-At").Single());
            position.Split('-').Length.ShouldBe(3);
            DateTimeOffset.Parse(known, System.Globalization.CultureInfo.InvariantCulture)
                .ShouldBe(DateTimeOffset.UtcNow, TimeSpan.FromMinutes(1));
            using var there = await GetAsync(path, _rig.Writer);
            Members(await here.Content.ReadAsStringAsync()).ShouldBe(
                Members(await there.Content.ReadAsStringAsync()), ignoreOrder: true);
        }
    }

    [Fact]
    public async Task A_known_sequence_is_304_and_what_is_not_there_is_404()
    {
        using var known = await GetAsync("/v1/vaults/g--a/c/k07", ("If-None-Match", "\"1\""));
        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        using var newer = await GetAsync("/v1/vaults/g--a/c/k07", ("If-None-Match", "\"2\""));
        newer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await ProblemAsync("/v1/vaults/g--a/c/none", HttpStatusCode.NotFound)).ShouldBe("not-found");
        await _rig.BatchAsync(["""{"vault":"g--b","collection":"c","key":"gone","op":"delete"}"""]);
        await _host.Process.WaitUntilAsync(
            async () => await _host.StatusCodeAsync("/v1/vaults/g--b/c/gone") == HttpStatusCode.NotFound, "take the delete");
        (await ProblemAsync("/v1/vaults/g--b/c/gone", HttpStatusCode.NotFound)).ShouldBe("not-found");
    }

    [Fact]
    public async Task What_no_scope_covers_is_said_to_be_not_followed()
    {
        foreach (var path in (string[])
            [
                "/v1/vaults/elsewhere/c/k", "/v1/vaults/g--b/other/k", "/v1/vaults/g--b/other", "/v1/vaults/g/c",
                "/v1/digests/g--b/other", "/v1/stream?vault=g--b", "/v1/stream?group=g", "/v1/stream?vault=elsewhere&collection=c",
            ])
            (await ProblemAsync(path, HttpStatusCode.NotFound)).ShouldBe("not-followed", path);
    }

    [Fact]
    public async Task A_request_that_is_wrong_is_told_what_is()
    {
        foreach (var (path, code) in ((string, string)[])
            [
                ("/v1/vaults/g--a/c/k07?as_of=x", "malformed-request"), ("/v1/vaults/g--a/c?limit=0", "malformed-request"),
                ("/v1/vaults/g--a/.c", "invalid-name"), ("/v1/vaults?group=a--b", "invalid-name"),
                ("/v1/stream", "malformed-request"), ("/v1/stream?vault=g--a&group=g", "malformed-request"),
                ("/v1/stream?vault=.", "invalid-name"), ("/v1/status?x=1", "malformed-request"),
            ])
            (await ProblemAsync(path, HttpStatusCode.BadRequest)).ShouldBe(code, path);
        (await ProblemAsync("/v1/facts", HttpStatusCode.NotFound)).ShouldBe("unknown-route");
        using var put = await _host.Http.PutAsync("/v1/vaults/g--a/c/k07", null);
        put.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        using var foreign = await GetAsync("/v1/status", ("Host", "example.org"));
        foreign.StatusCode.ShouldBe(HttpStatusCode.MisdirectedRequest);
        using var plain = await GetAsync("/v1/vaults/g--a/c", ("Accept", "text/html"));
        plain.StatusCode.ShouldBe(HttpStatusCode.NotAcceptable);
    }

    [Fact]
    public async Task Pages_walk_a_collection_in_the_order_of_its_keys()
    {
        var (keys, after) = (new List<string>(), "");
        while (true)
        {
            var page = await _host.JsonAsync($"/v1/vaults/g--a/c?limit=10{after}");
            page.GetProperty("position").GetInt64().ShouldBeGreaterThanOrEqualTo(26);
            keys.AddRange(page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("key").GetString()!));
            if (page.GetProperty("next").ValueKind == JsonValueKind.Null) break;
            after = "&after=" + Uri.EscapeDataString(page.GetProperty("next").GetString()!);
        }
        keys.ShouldBe(["../ä%2F", .. Enumerable.Range(0, 25).Select(number => $"k{number:D2}")]);
        (await _host.JsonAsync("/v1/vaults/g--zz/c")).GetProperty("items").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Digests_are_the_writers_also_of_nothing()
    {
        foreach (var path in (string[])["/v1/digests/g--a/c", "/v1/digests/g--unknown/c"])
            (await _host.TextAsync(path)).ShouldBe(await _rig.Writer.GetStringAsync(path));
    }

    [Fact]
    public async Task MessagePack_is_there_for_whoever_asks()
    {
        using var record = await GetAsync("/v1/vaults/g--a/c/k07", ("Accept", "application/msgpack"));
        record.Content.Headers.ContentType!.MediaType.ShouldBe("application/msgpack");
        var envelope = EnvelopeCodec.Default.Decode(await record.Content.ReadAsByteArrayAsync());
        envelope.Value!.Key.Key.ShouldBe("k07");
        envelope.Value.SchemaVersion.Text.ShouldBe("2.1");
        foreach (var (path, json) in ((string, string)[])
            [
                ("/v1/digests/g--a/c", "\"count\":26"), ("/v1/vaults?group=g", "\"vault\":\"g--a\""),
                ("/v1/vaults/g--a/c?limit=1", "\"items\":["),
            ])
        {
            using var answer = await GetAsync(path, ("Accept", "application/msgpack"));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            MsgPackCheck.Check(await answer.Content.ReadAsByteArrayAsync()).ShouldBeNull(path);
            (await _host.TextAsync(path)).ShouldContain(json);
        }
    }

    [Fact]
    public async Task The_status_and_the_description_tell_what_there_is()
    {
        var status = await _host.JsonAsync("/v1/status");
        status.GetProperty("version").GetString().ShouldNotBeNullOrEmpty();
        status.GetProperty("bus").GetProperty("connected").GetBoolean().ShouldBeTrue();
        var scope = status.GetProperty("scopes")[0];
        scope.GetProperty("group").GetString().ShouldBe("g");
        scope.GetProperty("records").GetInt64().ShouldBeInRange(26, 27);
        scope.GetProperty("feeds").GetArrayLength().ShouldBe(8);
        scope.GetProperty("counters").GetProperty("snapshots").GetInt64().ShouldBeGreaterThan(0);
        scope.GetProperty("skew").GetProperty("count").GetInt64().ShouldBe(0);
        status.GetProperty("streams").GetProperty("open").GetInt64().ShouldBe(0);
        var paths = (await _host.JsonAsync("/openapi/v1.json")).GetProperty("paths").EnumerateObject()
            .Select(path => path.Name).ToArray();
        paths.ShouldBe(
            [
                "/v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/{vault}/{collection}", "/v1/vaults",
                "/v1/digests/{vault}/{collection}", "/v1/stream", "/v1/tickets", "/v1/status", "/healthz", "/readyz",
            ], ignoreOrder: true);
    }

    // Everything but what the host does not hold.
    private static Dictionary<string, string> Members(string json) =>
        JsonDocument.Parse(json).RootElement.EnumerateObject().Where(member => member.Name != "after")
            .ToDictionary(member => member.Name, member => member.Value.GetRawText(), StringComparer.Ordinal);

    private async Task<string> ProblemAsync(string path, HttpStatusCode status)
    {
        using var answer = await GetAsync(path);
        answer.StatusCode.ShouldBe(status, path);
        return Answer.ProblemOf(JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        GetAsync(path, _host.Http, headers);

    private static async Task<HttpResponseMessage> GetAsync(
        string path, HttpClient http, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(
            http.BaseAddress!.ToString().TrimEnd('/') + path,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request);
    }
}

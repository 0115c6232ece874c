using System.Net;
using System.Text.RegularExpressions;
using Shouldly;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>The status page of the box and what stands beside it, asked without a browser.</summary>
public sealed partial class BoxPageTests(BoxPageTests.Fixture box) : IClassFixture<BoxPageTests.Fixture>
{
    [Fact]
    public async Task The_page_and_everything_that_it_names_is_served_and_comes_from_here()
    {
        var html = await GetAsync("/", "text/html");
        var named = Address().Matches(html).Select(match => match.Groups["url"].Value).Distinct(StringComparer.Ordinal).ToList();
        named.Count.ShouldBeGreaterThanOrEqualTo(3);
        named.ShouldAllBe(url => url.StartsWith("/box/", StringComparison.Ordinal));
        foreach (var url in named) (await GetAsync(url, null)).ShouldNotBeEmpty();
        // Elsewhere means a scheme; the name space of SVG is none that is loaded.
        foreach (var url in named)
            (await GetAsync(url, null)).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal).ShouldNotContain("://");
    }

    [Fact]
    public async Task Nothing_inline_is_in_the_page_and_the_policy_forbids_it()
    {
        var html = await GetAsync("/", "text/html");
        Regex.Matches(html, "<script(?![^>]*\\bsrc=)[^>]*>", RegexOptions.None, TimeSpan.FromSeconds(1)).ShouldBeEmpty();
        Regex.Matches(html, "\\s(on[a-z]+|style)=|<style|javascript:", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).ShouldBeEmpty();
        using var answer = await box.Box.Http.GetAsync(box.Box.Page);
        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("script-src 'self'");
        policy.ShouldContain("frame-ancestors 'none'");
        policy.ShouldNotContain("unsafe");
        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
    }

    [Fact]
    public async Task The_script_parses_and_never_makes_markup_of_data()
    {
        var script = await GetAsync("/box/page.js", "text/javascript");
        script.ShouldNotContain("innerHTML");
        script.ShouldNotContain("insertAdjacentHTML");
        script.ShouldNotContain("document.write");
        script.ShouldNotContain("eval(");
        var file = Path.Combine(Directory.CreateTempSubdirectory("sync-page-").FullName, "page.mjs");
        await File.WriteAllTextAsync(file, script);
        try { await ServiceProcess.RunAsync(new ServiceStart("node") { Arguments = ["--check", file] }); }
        finally { Directory.Delete(Path.GetDirectoryName(file)!, recursive: true); }
    }

    [Fact]
    public async Task The_page_has_every_element_that_its_script_fills()
    {
        var (html, script) = (await GetAsync("/", "text/html"), await GetAsync("/box/page.js", "text/javascript"));
        var ids = Regex.Matches(script, "byId\\('(?<id>[a-z]+)'\\)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1))
            .Select(match => match.Groups["id"].Value).Distinct(StringComparer.Ordinal).ToList();
        ids.Count.ShouldBeGreaterThan(8);
        ids.ShouldAllBe(id => html.Contains($"id=\"{id}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_figures_of_all_services_move()
    {
        var before = await PositionAsync();
        await box.Box.UntilAsync(async () => await PositionAsync() > before, "move the replica's positions in the page's figures");
        var services = (await box.Box.JsonAsync(box.Box.Page, "/box/status")).GetProperty("services");
        foreach (var service in services.EnumerateArray()) service.TryGetProperty("status", out _).ShouldBeTrue(service.ToString());
    }

    [Fact]
    public async Task Summaries_move_with_the_orders()
    {
        await box.Box.UntilAsync(async () => (await SummariesAsync()).Count >= 4, "have a summary of each shop");
        var before = await SummariesAsync();
        await box.Box.UntilAsync(
            async () => (await SummariesAsync()).Count(one => before.TryGetValue(one.Key, out var old) && old != one.Value) >= 3, "move the summaries");
    }

    [Theory]
    [InlineData("Host", "evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("Origin", "http://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden)]
    public async Task Pages_of_others_get_no_figures(string header, string value, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(box.Box.Page, "/box/status"));
        request.Headers.TryAddWithoutValidation(header, value);
        using var answer = await box.Box.Http.SendAsync(request);
        answer.StatusCode.ShouldBe(status);
        answer.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    [Fact]
    public async Task A_stream_delivers_what_is_written()
    {
        using var reader = new StreamReader(await box.Box.Http.GetStreamAsync(new Uri(box.Box.Page, "/v1/stream?vault=shop--stream")));
        await LineAsync(reader, "event: ready");
        (await box.Box.RunAsync("put", "shop--stream", "order", "1", """{"n":1}""")).Code.ShouldBe(0);
        await LineAsync(reader, "event: put");
        (await LineAsync(reader, "data: ")).ShouldContain("\"value\":{\"n\":1}");
    }

    private static async Task<string> LineAsync(StreamReader reader, string start)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
            if (line.StartsWith(start, StringComparison.Ordinal)) return line;
        throw new InvalidOperationException($"the stream ended before '{start}'");
    }

    private async Task<Dictionary<string, string>> SummariesAsync() =>
        (await box.Box.JsonAsync(box.Box.Page, "/v1/vaults/insight/order-value")).GetProperty("items").EnumerateArray().ToDictionary(
            item => item.GetProperty("key").GetString()!,
            item => item.GetProperty("value").GetProperty("summary").GetProperty("sum").GetString()!, StringComparer.Ordinal);

    private async Task<string> GetAsync(string path, string? type)
    {
        using var answer = await box.Box.Http.GetAsync(new Uri(box.Box.Page, path));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, path);
        if (type is not null) answer.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        return await answer.Content.ReadAsStringAsync();
    }

    private async Task<long> PositionAsync()
    {
        var services = (await box.Box.JsonAsync(box.Box.Page, "/box/status")).GetProperty("services").EnumerateArray();
        return services.Single(service => service.GetProperty("name").GetString() == "replica host").GetProperty("status")
            .GetProperty("scopes")[0].GetProperty("feeds").EnumerateArray()
            .Sum(feed => feed.TryGetProperty("position", out var position) ? position.GetInt64() : 0);
    }

    [GeneratedRegex("(src|href)=\"(?<url>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Address();

    /// <summary>One box for all.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        internal BoxUnderTest Box { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Box = await BoxUnderTest.StartAsync();

        public ValueTask DisposeAsync() => Box.DisposeAsync();
    }
}

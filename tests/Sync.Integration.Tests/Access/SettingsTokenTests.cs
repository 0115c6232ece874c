using System.Net;
using Shouldly;
using Sync.Access;
using Sync.Integration.Tests.Writer;
using Sync.Testing.Postgres;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>An Insight host at a writer that knows its token from settings, as a system comes up.</summary>
public sealed class SettingsTokenTests(PostgresFixture postgres) : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task An_Insight_host_writes_with_the_token_in_its_file()
    {
        await using var rig = await StartAsync("read:g--*/* read:insight/* write:insight/* status");
        var (host, _) = await rig.StartInsightHostAsync(("Sync__InsightHost__TokenFile", _file));
        var reader = await rig.IssueAsync("read:insight/*", "status");

        await UntilSettledAsync(rig, host, reader);

        var page = await rig.SendAsync("GET", "/v1/vaults/insight/counts", reader);
        var items = page.Json.GetProperty("items").EnumerateArray().ToList();
        items.ConvertAll(item => item.GetProperty("key").GetString()).ShouldBe(["a", "b"]);
        items[0].GetProperty("producer").GetString().ShouldNotBeNull().ShouldContain("insight");
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Theory]
    [InlineData("read:g--*/* read:insight/* status", "write:insight/counts")]
    [InlineData("read:g--*/* write:insight/* status", "read:insight/counts")]
    public async Task Who_may_not_write_summaries_has_dead_letters_that_say_which_scope_is_missing(string scopes, string missing)
    {
        await using var rig = await StartAsync(scopes);
        var (host, process) = await rig.StartInsightHostAsync(("Sync__InsightHost__TokenFile", _file));
        var status = await rig.IssueAsync("status", "read:insight/*");
        await UntilSettledAsync(rig, host, status);

        var letters = await rig.SendAsync(new Uri(host, "/v1/deadletters"), "GET", status);
        letters.Number("count").ShouldBe(2);
        letters.Text.ShouldContain(missing);
        await WriterUnderTest.UntilAsync(() => Task.FromResult(process.Output.Split('\n').Any(line =>
            line.Contains("gave no summary", StringComparison.Ordinal) && line.Contains(missing, StringComparison.Ordinal))));
        var ready = await rig.SendAsync(new Uri(host, "/readyz"), "GET", null);
        ready.Status.ShouldBe(HttpStatusCode.OK);
        ready.Text.ShouldStartWith("{\"status\":\"degraded\"");
        ready.Text.ShouldContain("2 dead letters");
        (await rig.SendAsync("GET", "/v1/vaults/insight/counts", status)).Json.GetProperty("items").GetArrayLength().ShouldBe(0);
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task Who_may_not_follow_the_group_says_so()
    {
        const string missing = "read:g--*/*";
        await using var rig = await StartAsync("read:g--*/note read:insight/* write:insight/* status");
        var (host, process) = await rig.StartInsightHostAsync(("Sync__InsightHost__TokenFile", _file));
        await UntilReadyzAsync(rig, host, missing);
        (await rig.SendAsync(new Uri(host, "/readyz"), "GET", null)).Text.ShouldStartWith("{\"status\":\"degraded\"");
        await process.WaitForLineAsync(missing);
    }

    private async Task<AccessRig> StartAsync(string scopes)
    {
        var token = AccessToken.Mint();
        await File.WriteAllTextAsync(_file, token + "\n");
        const string issued = "Sync__Access__Issued__0__";
        var rig = await AccessRig.StartShippedAsync(
            postgres, (issued + "Hash", AccessToken.HashOf(token).ToString()), (issued + "Label", "insight"), (issued + "Scopes", scopes));
        rig.Made.Add(token);
        var writer = await rig.IssueAsync("write:g--*/note");
        foreach (var vault in new[] { "g--a", "g--b" })
            (await rig.SendAsync("PUT", $"/v1/vaults/{vault}/note/k", writer, "{}")).Status.ShouldBe(HttpStatusCode.Created);
        return rig;
    }

    private static Task UntilSettledAsync(AccessRig rig, Uri host, string token) => WriterUnderTest.UntilAsync(async () =>
        (await rig.SendAsync(new Uri(host, "/v1/insights/settled?wait=5"), "GET", token)).Text.Contains("\"settled\":true", StringComparison.Ordinal));

    private static Task UntilReadyzAsync(AccessRig rig, Uri host, string text) => WriterUnderTest.UntilAsync(async () =>
        (await rig.SendAsync(new Uri(host, "/readyz"), "GET", null)).Text.Contains(text, StringComparison.Ordinal));
}

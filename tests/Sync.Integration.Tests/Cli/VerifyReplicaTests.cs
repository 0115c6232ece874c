using System.Net;
using System.Text;
using System.Text.Json;
using Shouldly;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary><c>sync verify --replicas</c> finds what is planted, and says why.</summary>
public sealed class VerifyReplicaTests
{
    [Fact]
    public async Task A_value_that_a_gate_refused_is_named_with_the_reason()
    {
        await using var box = await BoxUnderTest.StartAsync("--no-sample");
        (await box.RunAsync("put", "shop--berlin", "order", "good", """{"n":1}""")).Code.ShouldBe(0);
        // A host without types takes maps only.
        (await box.RunAsync("put", "shop--berlin", "order", "bad", "5")).Code.ShouldBe(0);
        var result = await box.RunAsync("verify", "--replicas", box.Page.ToString(), "--wait", "5", "--group", "shop");
        result.Code.ShouldBe(1, result.Out + result.Err);
        result.Out.ShouldContain("shop--berlin/order/bad: refused by a gate: ");
        result.Out.ShouldContain("0 of 1 collections are equal, 1 keys differ");
        result.Out.ShouldNotContain("order/good");
        var other = await box.RunAsync("verify", "--replicas", box.Page.ToString(), "--group", "nobody");
        (other.Code, other.Out.Contains("0 of 0 collections", StringComparison.Ordinal)).ShouldBe((0, true), other.Out);
    }

    [Fact]
    public async Task Each_way_to_differ_has_its_name()
    {
        await using var box = await BoxUnderTest.StartAsync("--no-sample");
        foreach (var (key, value) in new[] { ("behind", "1"), ("behind", "2"), ("missing", "1"), ("same", "1"), ("other", "1"), ("ahead", "1") })
            (await box.RunAsync("put", "acme", "user", key, value)).Code.ShouldBe(0);
        var items = (await box.JsonAsync(box.Writer, "/v1/vaults/acme/user")).GetProperty("items").EnumerateArray()
            .ToDictionary(item => item.GetProperty("key").GetString()!, item => item.GetProperty("hash").GetString()!, StringComparer.Ordinal);
        var zero = new string('0', 64);
        using var host = new StaleHost(
        [
            ("ahead", 9, items["ahead"]), ("behind", 1, zero), ("extra", 1, zero), ("other", 1, zero), ("same", 1, items["same"]),
        ]);
        var result = await box.RunAsync("verify", "--replicas", host.Url, "--wait", "0", "--json");
        result.Code.ShouldBe(1, result.Out + result.Err);
        result.Json.GetProperty("replicas")[0].GetProperty("differences").EnumerateArray()
            .ToDictionary(one => one.GetProperty("key").GetString()!, one => one.GetProperty("kind").GetString()!, StringComparer.Ordinal)
            .ShouldBe(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["ahead"] = "ahead",
                ["behind"] = "behind",
                ["extra"] = "extra",
                ["missing"] = "missing",
                ["other"] = "other-value",
            }, ignoreOrder: true);
    }

    [Fact]
    public async Task A_host_that_does_not_answer_is_said_and_hides_nothing()
    {
        await using var box = await BoxUnderTest.StartAsync("--no-sample");
        (await box.RunAsync("put", "shop--berlin", "order", "1", """{"n":1}""")).Code.ShouldBe(0);
        var silent = $"http://127.0.0.1:{Ports.Free()}";
        var result = await box.RunAsync("verify", "--replicas", $"{silent},{box.Page}", "--group", "shop");
        result.Code.ShouldBe(3, result.Out + result.Err);
        result.Out.ShouldContain($"SILENT  replica host {silent} does not answer");
        result.Out.ShouldContain("1 of 1 collections are equal");
        (await box.RunAsync("verify", "--group", "shop")).Code.ShouldBe(2);
        (await box.RunAsync("verify", "--replicas", "nowhere")).Code.ShouldBe(2);
    }

    [Fact]
    public async Task Status_tells_all_services_and_those_that_do_not_answer()
    {
        await using var box = await BoxUnderTest.StartAsync("--no-sample");
        var silent = $"http://127.0.0.1:{Ports.Free()}";
        var result = await box.RunAsync("status", "--replicas", $"{box.Page},{silent}");
        result.Code.ShouldBe(3, result.Out + result.Err);
        result.Out.ShouldContain("shop--*/*");
        result.Out.ShouldContain($"replica host {silent} does not answer");
        var found = await box.RunAsync("status", "--json");
        found.Code.ShouldBe(0, found.Out + found.Err);
        var names = found.Json.GetProperty("services").EnumerateArray()
            .Where(service => service.TryGetProperty("status", out _)).Select(service => service.GetProperty("name").GetString());
        names.ShouldBe(["writer", "replica host", "Insight host"]);
    }

    [Fact]
    public async Task The_benchmarks_of_a_checkout_are_listed_and_an_unknown_one_is_refused()
    {
        await using var box = BoxUnderTest.Launch("--no-sample");
        var listed = await box.RunAsync("bench", "--list");
        listed.Code.ShouldBe(0, listed.Err);
        ("\n" + listed.Out).ShouldContain("\nb1\n");
        var unknown = await box.RunAsync("bench", "nothing");
        (unknown.Code, unknown.Out).ShouldBe((2, ""));
        unknown.Err.ShouldStartWith("sync: there is no benchmark nothing; there are b1, ");
    }

    /// <summary>Answers as a replica host that holds acme/user, with what the test gives it.</summary>
    private sealed class StaleHost : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly (string Key, long Sequence, string Hash)[] _records;

        public StaleHost((string, long, string)[] records)
        {
            _records = records;
            Url = $"http://127.0.0.1:{Ports.Free()}";
            _listener.Prefixes.Add(Url + "/");
            _listener.Start();
            _ = ServeAsync();
        }

        public string Url { get; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            while (_listener.IsListening)
            {
                HttpListenerContext context;
                try { context = await _listener.GetContextAsync(); }
                catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException) { return; }
                var body = Encoding.UTF8.GetBytes(Answer(context.Request.Url!.AbsolutePath, out var status));
                context.Response.StatusCode = status;
                context.Response.ContentLength64 = body.Length;
                await context.Response.OutputStream.WriteAsync(body);
                context.Response.Close();
            }
        }

        private string Answer(string path, out int status)
        {
            status = 200;
            if (path == "/v1/status") return """{"scopes":[{"group":null,"vault":"acme","collection":"user","status":"ok","skew":{"count":0,"keys":[]}}]}""";
            if (path == "/v1/digests/acme/user") return $$"""{"count":{{_records.Length}},"position":1,"digest":"00"}""";
            if (path == "/v1/vaults/acme/user") return $$"""{"next":null,"items":[{{string.Join(',', _records.Select(Text))}}]}""";
            var record = _records.Where(one => path == "/v1/vaults/acme/user/" + one.Key).Select(Text).FirstOrDefault();
            status = record is null ? 404 : 200;
            return record ?? """{"detail":"no record"}""";
        }

        private static string Text((string Key, long Sequence, string Hash) record) => JsonSerializer.Serialize(
            new Dictionary<string, object>(StringComparer.Ordinal) { ["key"] = record.Key, ["sequence"] = record.Sequence, ["hash"] = record.Hash });
    }
}

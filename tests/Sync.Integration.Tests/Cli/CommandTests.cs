using System.Text.Json;
using Npgsql;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>The commands as processes against a real stack.</summary>
public sealed class CommandTests(CliFixture cli) : IClassFixture<CliFixture>
{
    [Theory]
    [InlineData("two words")]
    [InlineData("a.b.c")]
    [InlineData("*")]
    [InlineData(">")]
    [InlineData("a/b?c=%41#d")]
    [InlineData("..")]
    [InlineData("ключ-鍵-🗝")]
    public async Task A_key_of_any_text_is_put_read_and_watched(string key)
    {
        var put = await cli.RunAsync("put", "keys", "user", key, """{"n":1.0}""");
        put.Code.ShouldBe(0, put.Err);
        put.Out.ShouldStartWith($"keys/user/{key}: sequence 1, feed ");
        var got = await cli.RunAsync("get", "keys", "user", key, "--json");
        (got.Code, got.Json.GetProperty("key").GetString()).ShouldBe((0, key));
        got.Json.GetProperty("value").GetRawText().ShouldBe("""{"n":1.0}""");
        var watched = await cli.RunAsync("watch", "keys", "user", key, "--until", "1", "--json");
        watched.Code.ShouldBe(0, watched.Err);
        watched.Json.GetProperty("sequence").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task The_past_of_a_key_is_told_in_text_and_json()
    {
        foreach (var arguments in new string[][] { ["1"], ["2", "--expected", "1"], ["--delete"], ["4"] })
            (await cli.RunAsync(["put", "past", "user", "k", .. arguments])).Code.ShouldBe(0);

        var stale = await cli.RunAsync("put", "past", "user", "k", "5", "--expected", "2");
        (stale.Code, stale.Out).ShouldBe((1, ""));
        stale.Err.ShouldStartWith("sync: refused: ");
        (await cli.RunAsync("get", "past", "user", "k", "--sequence", "2")).Out.ShouldBe("2\n");
        (await cli.RunAsync("get", "past", "user", "k")).Out.ShouldBe("4\n");
        var lines = (await cli.RunAsync("history", "past", "user", "k")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(4);
        lines[2].ShouldContain("delete");
        var rows = (await cli.RunAsync("history", "past", "user", "k", "--after", "2", "--limit", "1", "--json")).Out;
        JsonDocument.Parse(rows).RootElement.GetProperty("sequence").GetInt32().ShouldBe(3);
        (await cli.RunAsync("history", "past", "user", "nobody")).Code.ShouldBe(1);
    }

    [Fact]
    public async Task The_same_idempotency_key_commits_once()
    {
        string[] put = ["put", "once", "user", "k", "1", "--idempotency-key", "i", "--json"];
        (await cli.RunAsync(put)).Json.GetProperty("replayed").GetBoolean().ShouldBeFalse();
        var again = (await cli.RunAsync(put)).Json;
        (again.GetProperty("replayed").GetBoolean(), again.GetProperty("sequence").GetInt32()).ShouldBe((true, 1));
    }

    [Fact]
    public async Task Many_keys_are_watched_from_a_file_until_interrupted()
    {
        var keys = await cli.FileAsync("keys", ["many/user/a", "many/user/b/c"]);
        foreach (var key in new[] { "a", "b/c" }) (await cli.RunAsync("put", "many", "user", key, "1")).Code.ShouldBe(0);
        var watch = cli.Start(["watch", "--keys", keys], "/dev/null");
        await watch.Process.WaitUntilAsync(
            async () => File.Exists(watch.Output) && (await File.ReadAllLinesAsync(watch.Output)).Length == 2, "show both keys");
        await watch.InterruptAsync();
        var result = await watch.ResultAsync();
        result.Code.ShouldBe(0, result.Err);
        result.Out.ShouldContain("many/user/b/c");
    }

    [Fact]
    public async Task Status_names_every_feed_and_its_owner()
    {
        var text = await cli.RunAsync("status");
        // A starved machine may let a lease run out for a moment; that is said by the exit code, and its owner is back soon.
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        for (var attempt = 0; text.Code == 1 && attempt < 50; attempt++)
        {
            await tick.WaitForNextTickAsync();
            text = await cli.RunAsync("status");
        }
        (text.Code, text.Err).ShouldBe((0, ""));
        text.Out.ShouldContain("bus connected");
        var writer = (await cli.RunAsync("status", "--json")).Json.GetProperty("services")[0];
        writer.GetProperty("status").GetProperty("feeds").GetArrayLength().ShouldBe(8);
    }

    [Fact]
    public async Task Top_looks_again_and_again_until_interrupted()
    {
        var top = cli.Start(["top", "--interval", "0.2"], "/dev/null");
        await top.Process.WaitUntilAsync(
            async () => File.Exists(top.Output) && (await File.ReadAllTextAsync(top.Output)).Split("bus connected").Length > 3, "look three times");
        var put = await cli.RunAsync("put", "top", "user", "a", "1");
        put.Code.ShouldBe(0, put.Err);
        await top.Process.WaitUntilAsync(
            async () => (await File.ReadAllLinesAsync(top.Output)).Any(line =>
                line.TrimEnd().EndsWith(" facts/s", StringComparison.Ordinal) && !line.Contains(" 0.0 ", StringComparison.Ordinal)
                && !line.Contains(" - ", StringComparison.Ordinal)),
            "show that a fact was committed");
        await top.InterruptAsync();
        var result = await top.ResultAsync();
        (result.Code, result.Err).ShouldBe((0, ""));
        var wrong = await cli.RunAsync("top", "--interval", "0");
        (wrong.Code, wrong.Out).ShouldBe((2, ""));
        wrong.Err.ShouldContain("0.2 to 60 seconds");
    }

    [Fact]
    public async Task Bad_lines_are_told_by_number_and_reason_and_the_others_are_committed()
    {
        const string name = "\"vault\":\"bad\",\"collection\":\"user\"";
        var file = await cli.FileAsync("bad.ndjson",
        [
            $$$"""{{{{name}}},"key":"good","value":1}""",
            "{ this is no JSON",
            $$$"""{{{{name}}},"value":1}""",
            $$$"""{{{{name}}},"key":"k","op":"upsert","value":1}""",
            $$$"""{{{{name}}},"key":"k","value":"{{{new string('x', 5 << 20)}}}"}""",
            $$"""{"vault":"bad vault","collection":"user","key":"k","value":1}""",
            $$$"""{{{{name}}},"key":"k","value":1e999}""",
            $$$"""{{{{name}}},"key":"k","value":{"a":1,"a":2}}""",
            $$$"""{{{{name}}},"key":"k","key":"k2","value":1}""",
            $$$"""{{{{name}}},"key":"k"}""",
            $$$"""{{{{name}}},"key":"k","value":1} {}""",
            $$$"""{{{{name}}},"key":"nobody","op":"delete"}""",
            "",
            $$$"""{{{{name}}},"key":"good","value":2}""",
        ]);
        var result = await cli.RunAsync("import", file);
        result.Code.ShouldBe(1, result.Err);
        result.Out.ShouldStartWith("13 lines: 2 committed, 0 were committed before, 11 rejected");
        result.Out.ShouldContain(file + ".rejects.ndjson");
        (await File.ReadAllTextAsync(file + ".rejects.ndjson")).ShouldContain("\\\"op\\\":\\\"upsert\\\"");
        var rejects = (await File.ReadAllLinesAsync(file + ".rejects.ndjson")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        rejects.Select(line => line.GetProperty("line").GetInt32()).ShouldBe(Enumerable.Range(2, 11));
        string[] reasons = ["JSON", "key is empty", "neither put nor delete", "more than", "characters other than", "number", "duplicate key", "twice", "no 'value'", "after a single JSON value", "NoLiveRecord"];
        for (var index = 0; index < reasons.Length; index++)
            rejects[index].GetProperty("reason").GetString()!.ShouldContain(reasons[index], Case.Insensitive);
        (await cli.RunAsync("get", "bad", "user", "good")).Out.ShouldBe("2\n");
    }

    [Fact]
    public async Task A_fact_altered_in_the_database_is_found_by_feed_and_position()
    {
        foreach (var value in new[] { "1", "2", "3" })
            (await cli.RunAsync("put", "tampered", "user", "k", value)).Code.ShouldBe(0);
        var receipt = (await cli.RunAsync("put", "tampered", "user", "k", "4", "--json")).Json;
        var (feed, position) = (receipt.GetProperty("feed").GetInt32(), receipt.GetProperty("position").GetInt64());
        (await cli.RunAsync("verify", "--feed", $"{feed}")).Code.ShouldBe(0);

        await ExecuteAsync("update sync.fact set value = '\\x05' where feed = $1 and position = $2", feed, position);
        var broken = await cli.RunAsync("verify");
        await ExecuteAsync("update sync.fact set value = '\\x04' where feed = $1 and position = $2", feed, position);

        broken.Code.ShouldBe(1);
        broken.Out.ShouldContain($"BROKEN  feed {feed}, position {position}, tampered/user/k: the value is not what its hash says");
        (await cli.RunAsync("verify", "--json")).Json.GetProperty("ok").GetBoolean().ShouldBeTrue();
    }

    private async Task ExecuteAsync(string sql, int feed, long position)
    {
        await using var connection = new NpgsqlConnection(cli.Rig.Database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"set session_replication_role = replica", connection);
        await command.ExecuteNonQueryAsync();
        await using var update = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = (short)feed }, new() { Value = position } } };
        (await update.ExecuteNonQueryAsync()).ShouldBe(1);
    }
}

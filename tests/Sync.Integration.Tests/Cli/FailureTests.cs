using Shouldly;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>What a user reads who calls it wrong, or while nothing runs. No stack is needed.</summary>
public sealed class FailureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-cli-").FullName;
    private readonly int _port = Ports.Free();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Without_arguments_it_teaches_and_is_content()
    {
        var result = await RunAsync();
        (result.Code, result.Err).ShouldBe((0, ""));
        result.Out.ShouldContain("sync put acme user 1 '{\"name\":\"Ada\"}'");
        result.Out.ShouldContain("Exit codes: 0 done");
    }

    [Theory]
    [InlineData("get", "Required argument missing for command: 'get'.", "sync get <VAULT> <COLLECTION> <KEY>")]
    [InlineData("bogus", "Unrecognized command or argument 'bogus'.", "sync [command]")]
    [InlineData("put a b c 1 --expected x", "Cannot parse argument 'x' for option '--expected'", "sync put")]
    public async Task A_wrong_call_is_told_with_the_help_of_its_command(string line, string message, string help)
    {
        var result = await RunAsync(line.Split(' '));
        (result.Code, result.Out).ShouldBe((2, ""));
        result.Err.ShouldStartWith("sync: ");
        result.Err.ShouldContain(message);
        result.Err.ShouldContain(help);
    }

    [Theory]
    [InlineData("put|acme|user|a\r\nb|1", "key has a control character (U+000D)")]
    [InlineData("get|acme|user|", "key is empty; give 1 to 512 bytes of UTF-8")]
    [InlineData("get|.acme|user|1", "vault '.acme' starts with a dot")]
    [InlineData("put|acme|user|1|{bad", "VALUE is not JSON that can be kept: ")]
    [InlineData("put|acme|user|1", "give a VALUE as JSON, or --delete")]
    [InlineData("put|acme|user|1|2|--delete", "give a VALUE or --delete, not both")]
    [InlineData("put|acme|user|1|2|--expected|-1", "--expected is -1; must be a sequence, 0 = no fact ever")]
    [InlineData("get|acme|user|1|--sequence|1|--as-of|2026-01-01T00:00:00Z", "give --as-of or --sequence, not both")]
    [InlineData("history|acme|user|1|--limit|0", "--limit is 0; must be 1..100000 facts")]
    [InlineData("watch|acme", "give VAULT COLLECTION KEY, or --keys FILE")]
    [InlineData("import|nowhere.ndjson", "there is no file 'nowhere.ndjson'")]
    [InlineData("get|acme|user|1|--writer|localhost", "has 'localhost'; must be an http or https address")]
    public async Task What_cannot_be_is_refused_before_anything_is_sent(string line, string message)
    {
        var result = await RunAsync(line.Split('|'));
        result.Err.TrimEnd('\n').ShouldNotContain('\n');
        result.Err.ShouldContain(message);
        (result.Code, result.Out).ShouldBe((2, ""));
    }

    [Fact]
    public async Task The_file_to_import_is_never_taken_for_the_rejects()
    {
        var file = Path.Combine(_folder, "in.ndjson");
        await File.WriteAllTextAsync(file, "{}\n");
        (await RunAsync("import", file, "--rejects", Path.Combine(_folder, ".", "in.ndjson"))).Code.ShouldBe(2);
        (await File.ReadAllTextAsync(file)).ShouldBe("{}\n");
    }

    [Theory]
    [InlineData("get acme user 1")]
    [InlineData("put acme user 1 2")]
    [InlineData("history acme user 1")]
    [InlineData("status")]
    [InlineData("top")]
    [InlineData("verify")]
    [InlineData("import FILE")]
    public async Task A_writer_that_cannot_be_reached_is_one_line_that_says_what_to_look_at(string line)
    {
        var file = Path.Combine(_folder, "in.ndjson");
        await File.WriteAllTextAsync(file, """{"vault":"a","collection":"b","key":"c","value":1}""");
        var result = await RunAsync(line.Replace("FILE", file, StringComparison.Ordinal).Split(' '));
        (result.Code, result.Out).ShouldBe((3, ""));
        result.Err.TrimEnd('\n').ShouldNotContain('\n');
        result.Err.ShouldContain($"127.0.0.1:{_port}");
        result.Err.ShouldContain("running");
        var json = await RunAsync([.. line.Replace("FILE", file, StringComparison.Ordinal).Split(' '), "--json"]);
        (json.Code, json.Err).ShouldBe((3, ""));
        json.Json.GetProperty("error").GetString()!.ShouldContain("running");
    }

    [Fact]
    public async Task A_broker_that_cannot_be_reached_is_one_line()
    {
        var result = await RunAsync("watch", "acme", "user", "1");
        (result.Code, result.Out).ShouldBe((3, ""));
        result.Err.TrimEnd('\n').ShouldNotContain('\n');
        result.Err.ShouldEndWith($"; is the broker running at nats://127.0.0.1:{_port}?\n");
    }

    private Task<CliResult> RunAsync(params string[] arguments) => CliRun.Start(
        arguments, "/dev/null", Path.Combine(_folder, Guid.NewGuid().ToString("n")), $"http://127.0.0.1:{_port}", $"nats://127.0.0.1:{_port}").ResultAsync();
}

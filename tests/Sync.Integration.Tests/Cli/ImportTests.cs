using System.IO.Compression;
using Shouldly;
using Sync.Testing.Data;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary><c>sync import</c> to its end: each test has a stack of its own, as the generated keys are the same.</summary>
public sealed class ImportTests : IAsyncLifetime
{
    private readonly CliFixture _cli = new();

    public ValueTask InitializeAsync() => _cli.InitializeAsync();

    public ValueTask DisposeAsync() => _cli.DisposeAsync();

    [Fact]
    public async Task A_file_ends_in_its_heads_and_again_in_any_packing_it_adds_nothing()
    {
        var changes = AdvisoryGenerator.Make(11, 1500);
        var plain = await _cli.FileAsync("plain.ndjson", changes.Select(change => change.Line));
        var packed = _cli.PathOf("packed.ndjson.gz");
        await using (var gzip = new GZipStream(File.Create(packed), CompressionLevel.Fastest))
            await gzip.WriteAsync(await File.ReadAllBytesAsync(plain));

        var first = await _cli.RunAsync("import", packed);
        first.Code.ShouldBe(0, first.Err);
        first.Out.ShouldStartWith("1500 lines: 1500 committed, 0 were committed before, 0 rejected");
        first.Err.ShouldBeEmpty("progress is for terminals");
        await _cli.HeadsShouldBeOfAsync(changes);

        foreach (var (file, input) in new[] { (plain, "/dev/null"), ("-", plain) })
        {
            var again = await _cli.Start(["import", file, "--json", "--rejects", _cli.PathOf("none")], input).ResultAsync();
            again.Code.ShouldBe(0, again.Err);
            (again.Json.GetProperty("committed").GetInt32(), again.Json.GetProperty("replayed").GetInt32()).ShouldBe((0, 1500));
        }
        (await _cli.PositionsAsync()).ShouldBe(1500);
        var verified = await _cli.RunAsync("verify");
        verified.Code.ShouldBe(0, verified.Out);
        verified.Out.ShouldContain("1500 facts in 8 feeds");
    }

    [Fact]
    public async Task An_interrupted_import_says_how_far_it_came_and_goes_on_when_repeated()
    {
        var changes = AdvisoryGenerator.Make(12, 600);
        var (pipe, run) = await StartFromPipeAsync();
        await using (var input = await OpenAsync(pipe))
        {
            await WriteAsync(input, changes.Take(300));
            await run.Process.WaitUntilAsync(async () => await _cli.PositionsAsync() == 300, "commit the first half");
            await run.InterruptAsync();
            var result = await run.ResultAsync();
            result.Code.ShouldBe(130, result.Err);
            result.Out.ShouldStartWith("300 lines read before the end:");
            result.Err.ShouldContain("run the same command again to go on");
        }

        var file = await _cli.FileAsync("all.ndjson", changes.Select(change => change.Line));
        var again = await _cli.RunAsync("import", file, "--json");
        again.Code.ShouldBe(0, again.Err);
        (again.Json.GetProperty("committed").GetInt32(), again.Json.GetProperty("replayed").GetInt32()).ShouldBe((300, 300));
        await _cli.HeadsShouldBeOfAsync(changes);
    }

    [Fact]
    public async Task A_writer_killed_half_way_and_started_again_is_waited_for()
    {
        var changes = AdvisoryGenerator.Make(13, 1000);
        var (pipe, run) = await StartFromPipeAsync();
        await using (var input = await OpenAsync(pipe))
        {
            await WriteAsync(input, changes.Take(500));
            await run.Process.WaitUntilAsync(async () => await _cli.PositionsAsync() > 100, "commit a part");
            await _cli.Writer.Process.KillAsync();
            await WriteAsync(input, changes.Skip(500));
        }
        _cli.Writer = await _cli.Rig.StartWriterAsync(_cli.Writer.Url.Port);

        var result = await run.ResultAsync();
        result.Code.ShouldBe(0, result.Out + result.Err + Rejects());
        result.Json.GetProperty("lines").GetInt32().ShouldBe(1000);
        await _cli.HeadsShouldBeOfAsync(changes);
    }

    private string Rejects() => File.Exists(_cli.PathOf("none")) ? File.ReadAllText(_cli.PathOf("none")) : "";

    private async Task<(string Pipe, CliRun Run)> StartFromPipeAsync()
    {
        var pipe = _cli.PathOf("pipe");
        await ServiceProcess.RunAsync(new ServiceStart("mkfifo") { Arguments = [pipe] });
        string[] arguments = ["import", "-", "--rejects", _cli.PathOf("none")];
        return (pipe, _cli.Start(TestContext.Current.TestMethod!.MethodName.StartsWith("A_writer", StringComparison.Ordinal)
            ? [.. arguments, "--json"] : arguments, pipe));
    }

    // Opening waits for the command to open its side.
    private static Task<FileStream> OpenAsync(string pipe) =>
        Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write)).WaitAsync(ServiceProcess.WaitMax);

    private static async Task WriteAsync(FileStream input, IEnumerable<AdvisoryChange> changes)
    {
        foreach (var change in changes) await input.WriteAsync(System.Text.Encoding.UTF8.GetBytes(change.Line + "\n"));
        await input.FlushAsync();
    }
}

using System.Text.Json;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.Integration.Tests.Way;
using Sync.MessagePack;
using Sync.Testing.Data;
using Sync.Testing.Processes;
using Xunit;

namespace Sync.Integration.Tests.Cli;

/// <summary>A whole stack and the command <c>sync</c> as a process against it.</summary>
public sealed class CliFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-cli-").FullName;
    private int _runs;

    internal WayRig Rig { get; private set; } = null!;

    internal WriterProcess Writer { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Rig = await WayRig.StartAsync();
        Writer = await Rig.StartWriterAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Rig.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    internal string PathOf(string name) => Path.Combine(_folder, name);

    internal async Task<string> FileAsync(string name, IEnumerable<string> lines)
    {
        await File.WriteAllTextAsync(PathOf(name), string.Concat(lines.Select(line => line + "\n")));
        return PathOf(name);
    }

    internal Task<CliResult> RunAsync(params string[] arguments) => Start(arguments, "/dev/null").ResultAsync();

    internal CliRun Start(string[] arguments, string input) => CliRun.Start(
        arguments, input, PathOf($"run-{Interlocked.Increment(ref _runs)}"), Writer.Url.ToString(), Rig.Nats.Url);

    internal async Task<long> PositionsAsync()
    {
        await using var client = Rig.Client(Writer);
        return (await client.Writer.StatusAsync()).Feeds.Sum(feed => feed.Position);
    }

    /// <summary>The ledger's heads are what the changes say, and no fact is there twice.</summary>
    internal async Task HeadsShouldBeOfAsync(IReadOnlyList<AdvisoryChange> changes)
    {
        await using var client = Rig.Client(Writer);
        var facts = await WayRig.FactsAsync(client);
        facts.Count.ShouldBe(changes.Count);
        var heads = facts.GroupBy(fact => (fact.Key.Vault, fact.Key.Key)).ToDictionary(key => key.Key, key => key.MaxBy(fact => fact.Sequence.Value)!);
        var expected = AdvisoryGenerator.Heads(changes);
        heads.Count.ShouldBe(expected.Count);
        foreach (var (key, head) in expected)
        {
            var fact = heads[key];
            (key, fact.Sequence.Value, fact.Op).ShouldBe((key, head.Sequence, head.Value is null ? ChangeOp.Delete : ChangeOp.Put));
            if (head.Value is { } json)
                fact.Value.ToArray().ShouldBe(JsonTranscoder.ToMsgPack(System.Text.Encoding.UTF8.GetBytes(json), out _)!);
        }
    }
}

/// <summary>What a run of the command said.</summary>
internal sealed record CliResult(int Code, string Out, string Err)
{
    public JsonElement Json => JsonDocument.Parse(Out).RootElement;
}

/// <summary>A run of the command under way.</summary>
internal sealed record CliRun(ServiceProcess Process, string Output)
{
    private static readonly TimeSpan RunMax = TimeSpan.FromSeconds(120);

    public static CliRun Start(string[] arguments, string input, string output, string writer, string nats)
    {
        var cli = ServiceStart.Service("Sync.Cli", "sync");
        // A test run in the background hands down ignored signals; Ctrl-C must count here.
        const string script = "in=$1; out=$2; shift 2; exec env --default-signal=INT dotnet \"$@\" < \"$in\" > \"$out\" 2> \"$out.err\"";
        return new CliRun(
            ServiceProcess.Start(new ServiceStart("sh")
            {
                Arguments = ["-c", script, "sh", input, output, cli.Arguments[0], .. arguments],
                Environment = new Dictionary<string, string?>(StringComparer.Ordinal) { ["SYNC_WRITER"] = writer, ["SYNC_NATS"] = nats },
            }),
            output);
    }

    public Task InterruptAsync() =>
        ServiceProcess.RunAsync(new ServiceStart("kill") { Arguments = ["-INT", $"{Process.Id}"] });

    public async Task<CliResult> ResultAsync()
    {
        await using (Process)
        {
            var code = await Process.WaitForExitAsync(RunMax);
            var result = new CliResult(code, await File.ReadAllTextAsync(Output), await File.ReadAllTextAsync(Output + ".err"));
            (result.Out + result.Err).ShouldNotContain("   at Sync.", customMessage: "a stack trace");
            return result;
        }
    }
}

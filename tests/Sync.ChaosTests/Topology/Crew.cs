using System.Globalization;
using Sync.ChaosTests.Clients;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Topology;

/// <summary>The processes outside of the fault domain: load clients and readers, each with a log of its own.</summary>
internal sealed class Crew(RunFolder run, int seed) : IAsyncDisposable
{
    private static readonly TimeSpan OpenMax = TimeSpan.FromSeconds(20);

    private readonly List<(string Name, ServiceProcess Process)> _members = [];
    private readonly int[] _majors = [ChaosValue.OldMajor, ChaosValue.OldMajor];

    /// <summary>Starts all of them; they wait for the services by themselves.</summary>
    public void Start(World world)
    {
        string[] writers = [.. world.Writers.SelectMany(writer => new[] { "--writer", writer.Url.ToString() })];
        for (var n = 0; n < Load.Clients; n++) Add("client", n, run.Client(n), writers);
        Add("raw", 0, run.Raw, ["--nats", world.Nats.Url]);
        Add("sse", 0, run.Sse(0), ["--host", world.Replicas[0].Url.ToString()]);
        Add("sse", 1, run.Sse(1), ["--host", Text($"http://127.0.0.1:{world.Links.Stream.Port}"), "--slow"]);
        AddReader(world, 0);
        AddReader(world, 1);
        Add("feed", 0, run.Feed(0), writers);
    }

    /// <summary>Replaces a reader of replicas by one that knows schema majors up to another; returns when its replicas
    /// are open. Nothing happens when it is such a one.</summary>
    public async Task RollReaderAsync(World world, int n, int major, CancellationToken cancellation)
    {
        if (_majors[n] == major) return;
        await StopAsync(name => name == Text($"replica-{n}"));
        _majors[n] = major;
        var before = new FileInfo(run.Replica(n)).Length;
        AddReader(world, n);
        if (!await Pauses.UntilAsync(
            () => Task.FromResult(HasOpened(n, before)), OpenMax * world.Pace.Allowance, cancellation))
            throw new TimeoutException($"replica-{n} did not open its replicas.");
    }

    /// <summary>One that ended by itself makes the run worthless.</summary>
    public async Task ShouldLiveAsync()
    {
        foreach (var (name, process) in _members.Where(member => member.Process.HasExited))
            throw new InvalidOperationException($"{name} ended with exit code {await process.Exited}:\n{process.Output}");
    }

    /// <summary>Ends the load clients; what they have under way ends as unknown.</summary>
    public Task StopLoadAsync() => StopAsync(name => name.StartsWith("client", StringComparison.Ordinal));

    /// <summary>Ends all, so that their logs are whole.</summary>
    public Task StopAsync() => StopAsync(_ => true);

    public async ValueTask DisposeAsync()
    {
        foreach (var (name, process) in _members)
        {
            await process.DisposeAsync();
            await File.AppendAllTextAsync(run.Output(name), process.Output + "\n");
        }
        _members.Clear();
    }

    private async Task StopAsync(Func<string, bool> which)
    {
        var leaving = _members.Where(member => which(member.Name)).ToList();
        var codes = await Task.WhenAll(leaving.Select(member => member.Process.TerminateAsync()));
        foreach (var ((name, process), code) in leaving.Zip(codes))
        {
            _members.Remove((name, process));
            await File.AppendAllTextAsync(run.Output(name), process.Output + "\n");
            await process.DisposeAsync();
            if (code != 0) throw new InvalidOperationException($"{name} ended with exit code {code}; see {run.Output(name)}");
        }
    }

    // One straight, the other behind the same faults as the second replica host.
    private void AddReader(World world, int n) => Add("replica", n, run.Replica(n),
    [
        "--nats", n == 0 ? world.Nats.Url : Text($"nats://127.0.0.1:{world.Links.ReplicaNats.Port}"),
        "--major", Text($"{_majors[n]}"),
    ]);

    private bool HasOpened(int n, long from)
    {
        using var file = File.Open(run.Replica(n), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = from;
        using var log = new StreamReader(file);
        return log.ReadToEnd().Contains("\"e\":\"open\"", StringComparison.Ordinal);
    }

    private void Add(string kind, int n, string log, string[] arguments)
    {
        var name = Text($"{kind}-{n}");
        _members.Add((name, ServiceProcess.Start(new ServiceStart("dotnet")
        {
            Arguments =
            [
                typeof(Crew).Assembly.Location, kind, "--out", log, "--seed", Text($"{seed}"), "--index", Text($"{n}"), .. arguments,
            ],
        })));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

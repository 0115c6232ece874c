using System.Diagnostics;
using System.Text.Json;
using Shouldly;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Cli;

/// <summary>A box as a process, on three free ports.</summary>
internal sealed class BoxUnderTest : IAsyncDisposable
{
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(5);
    private readonly string _folder = Directory.CreateTempSubdirectory("sync-box-").FullName;
    private readonly CliRun _run;
    private int _runs;

    private BoxUnderTest(int port, string[] arguments)
    {
        Port = port;
        _run = CliRun.Start(["up", "--port", $"{port}", .. arguments], "/dev/null", Path.Combine(_folder, "up"), "", "");
    }

    public int Port { get; }

    public Uri Writer => new($"http://127.0.0.1:{Port}");

    public Uri Page => new($"http://127.0.0.1:{Port + 10}");

    public HttpClient Http { get; } = new(new SocketsHttpHandler { UseProxy = false });

    public ServiceProcess Process => _run.Process;

    public string Output => File.Exists(_run.Output) ? File.ReadAllText(_run.Output) : "";

    public static BoxUnderTest Launch(params string[] arguments) => new(Ports.Free(10, 20), arguments);

    public static async Task<BoxUnderTest> StartAsync(params string[] arguments)
    {
        var box = Launch(arguments);
        await box.Process.WaitUntilAsync(() => Task.FromResult(box.Output.Contains("Ctrl-C ends it", StringComparison.Ordinal)), "say that it is up");
        return box;
    }

    public Task<CliResult> RunAsync(params string[] arguments) => Begin(arguments).ResultAsync();

    public CliRun Begin(params string[] arguments) => CliRun.Start(
        arguments, "/dev/null", Path.Combine(_folder, $"run-{Interlocked.Increment(ref _runs)}"), Writer.ToString(), "");

    public async Task<JsonElement> JsonAsync(Uri root, string path)
    {
        using var read = JsonDocument.Parse(await Http.GetStringAsync(new Uri(root, path)));
        return read.RootElement.Clone();
    }

    /// <summary>Polls until the condition holds.</summary>
    public Task UntilAsync(Func<Task<bool>> condition, string what) => Process.WaitUntilAsync(condition, what);

    /// <summary>Ctrl-C; it must end by itself, cleanly and soon.</summary>
    public async Task<CliResult> InterruptAsync()
    {
        var clock = Stopwatch.StartNew();
        await _run.InterruptAsync();
        var result = await _run.ResultAsync();
        clock.Elapsed.ShouldBeLessThan(StopMax);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _run.Process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

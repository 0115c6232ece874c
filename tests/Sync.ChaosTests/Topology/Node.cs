using System.Net.Sockets;
using Sync.Testing.Processes;

namespace Sync.ChaosTests.Topology;

/// <summary>One service under test: always the same address and settings, started as often as faults end it.</summary>
/// <remarks>Used by one round at a time; the faults of a round that overlap have different targets.</remarks>
internal sealed class Node(string name, string service, Dictionary<string, string?> settings, RunFolder run) : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(1) };

    private ServiceProcess? _process;

    public string Name => name;

    /// <summary>Its HTTP address, which no fault touches.</summary>
    public required Uri Url { get; init; }

    /// <summary>The wall clock that it sees is the machine's plus what this file says (libfaketime); null = no such file.</summary>
    public string? ClockFile { get; init; }

    public int ProcessId => _process?.Id ?? 0;

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Starts it; it is not ready yet when this returns.</summary>
    /// <param name="more">Settings for this time only.</param>
    public void Start(params (string Name, string Value)[] more)
    {
        if (IsRunning) return;
        var environment = new Dictionary<string, string?>(settings, StringComparer.Ordinal);
        foreach (var (key, value) in more) environment[key] = value;
        _process = ServiceProcess.Start(ServiceStart.Service(service) with { Environment = environment });
    }

    /// <summary>kill -9; returns when it is gone.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process) return;
        await process.KillAsync();
        await KeepOutputAsync(process);
    }

    /// <summary>SIGTERM; returns when it is gone.</summary>
    public async Task StopAsync()
    {
        if (_process is not { } process) return;
        await process.TerminateAsync();
        await KeepOutputAsync(process);
    }

    public void Pause() => _process?.Pause();

    public void Continue() => _process?.Continue();

    /// <summary>True when it answers that it serves, fully or not: 200 from /readyz.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        if (_process is { HasExited: true } dead)
            throw new InvalidOperationException($"{name} ended by itself with exit code {await dead.Exited}:\n{dead.Output}");
        try
        {
            using var answer = await Http.GetAsync(new Uri(Url, "/readyz"), cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception notYet) when (notYet is HttpRequestException or SocketException or TaskCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not { } process) return;
        process.Continue();
        await process.DisposeAsync();
        await KeepOutputAsync(process);
    }

    private async Task KeepOutputAsync(ServiceProcess process)
    {
        _process = null;
        await File.AppendAllTextAsync(run.Output(name), $"--- process {process.Id}\n{process.Output}\n");
        await process.DisposeAsync();
    }
}

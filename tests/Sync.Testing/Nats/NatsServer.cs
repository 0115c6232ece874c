using System.Diagnostics;
using System.Text;
using Sync.Testing.Processes;

namespace Sync.Testing.Nats;

/// <summary>
/// A real nats-server process on a free loopback port, with its files in a folder of its own that goes with it.
/// Can be killed without notice, started again on the same port, paused, put into lame duck mode. Stopped by its pid.
/// The binary is <c>nats-server</c> from the path, or what the variable SYNC_NATS_SERVER_BIN names.
/// </summary>
public sealed class NatsServer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    private readonly StringBuilder _log = new();
    private Process? _process;

    private NatsServer(int port, string config)
    {
        (Port, Config) = (port, config);
        Folder = Directory.CreateTempSubdirectory("sync-nats-").FullName;
    }

    /// <summary>Client port, the same over restarts.</summary>
    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>Configuration text without the listen address; takes effect at the next start or reload.</summary>
    public string Config { get; set; }

    /// <summary>The server's own folder; removed with the server.</summary>
    public string Folder { get; }

    /// <summary>Process id of the running server.</summary>
    public int Pid => _process?.Id ?? throw new InvalidOperationException("The server is not running.");

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What the server logged so far.</summary>
    public string Log
    {
        get { lock (_log) return _log.ToString(); }
    }

    /// <summary>Starts a server and waits until it accepts clients.</summary>
    public static async Task<NatsServer> StartAsync(string config = "", int port = 0)
    {
        // A port found free may be taken by another process before the server binds it: then another one is tried.
        for (var attempt = 1; ; attempt++)
        {
            var server = new NatsServer(port == 0 ? Ports.Free() : port, config);
            try
            {
                await server.StartProcessAsync();
                return server;
            }
            catch (InvalidOperationException) when (port == 0 && attempt < 5 && server.Log.Contains("in use"))
            {
                await server.DisposeAsync();
            }
            catch
            {
                await server.DisposeAsync();
                throw;
            }
        }
    }

    /// <summary>kill -9, and waits until the process is gone.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    /// <summary>Orderly stop (SIGTERM).</summary>
    public async Task StopAsync()
    {
        if (_process is null)
            return;
        Signals.Send(Pid, Signals.Terminate);
        await _process.WaitForExitAsync().WaitAsync(StartTimeout);
        await KillAsync();
    }

    /// <summary>Starts again on the same port after <see cref="KillAsync"/> or <see cref="StopAsync"/>.</summary>
    public Task StartAgainAsync() => StartProcessAsync();

    /// <summary>kill -9 and start on the same port.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        await StartProcessAsync();
    }

    /// <summary>Freezes the process (SIGSTOP): connections stay, nothing answers. Returns when all its threads stand
    /// still.</summary>
    public void Pause()
    {
        Signals.Send(Pid, Signals.Stop);
        var tasks = $"/proc/{Pid}/task";
        // In "stat" the state follows the name in brackets; T = stopped. The signal reaches threads one by one.
        if (!SpinWait.SpinUntil(() => Directory.GetDirectories(tasks).All(IsStopped), StartTimeout))
            throw new InvalidOperationException("The server did not stop.");

        static bool IsStopped(string task) =>
            File.ReadAllText(Path.Combine(task, "stat")).Contains(") T ", StringComparison.Ordinal);
    }

    /// <summary>Ends <see cref="Pause"/>.</summary>
    public void Resume() => Signals.Send(Pid, Signals.Continue);

    /// <summary>Announces the shutdown to clients (INFO ldm), then closes them one by one and exits.</summary>
    public void EnterLameDuckMode() => Signals.Send(Pid, Signals.User2);

    /// <summary>Writes the configuration and makes the server read it (SIGHUP).</summary>
    public async Task ReloadAsync(string config)
    {
        Config = config;
        await WriteConfigAsync();
        var seen = Log.Length;
        Signals.Send(Pid, Signals.HangUp);
        await WaitForLogAsync("Reloaded", seen);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task StartProcessAsync()
    {
        var binary = Environment.GetEnvironmentVariable("SYNC_NATS_SERVER_BIN") ?? "nats-server";
        var start = new ProcessStartInfo(binary)
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        foreach (var argument in (string[])["-c", await WriteConfigAsync()])
            start.ArgumentList.Add(argument);
        var seen = Log.Length;
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{binary} did not start.");
        _process = process;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillQuietly(process);
        process.ErrorDataReceived += (_, line) => AppendLog(line.Data);
        process.BeginErrorReadLine();
        await WaitForLogAsync("Server is ready", seen);
    }

    private async Task<string> WriteConfigAsync()
    {
        var path = Path.Combine(Folder, "nats.conf");
        await File.WriteAllTextAsync(path, $"listen: 127.0.0.1:{Port}\n{Config}\n");
        return path;
    }

    private async Task WaitForLogAsync(string text, int from)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!Log[from..].Contains(text))
        {
            // The process is seen to have ended before the last of its output was read; this waits for both.
            if (_process is { HasExited: true })
                await _process.WaitForExitAsync();
            if (!IsRunning || TimeProvider.System.GetElapsedTime(deadline) > StartTimeout)
                throw new InvalidOperationException($"nats-server did not say '{text}':\n{Log[from..]}");
            await tick.WaitForNextTickAsync();
        }
    }

    private void AppendLog(string? line)
    {
        lock (_log)
            _log.AppendLine(line);
    }

    private static void KillQuietly(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // Gone already: the usual way.
        }
    }
}

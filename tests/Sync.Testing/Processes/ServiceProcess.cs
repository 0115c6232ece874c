using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Sync.Testing.Processes;

/// <summary>
/// A child process under test: started, awaited until ready, paused, terminated or killed, never left behind.
/// </summary>
/// <remarks>
/// Safe for concurrent use: the output is behind the ring's lock, the exit is one task, signals are system calls.
/// No signal is sent once the exit was seen, so an id that the kernel gave to a stranger later is not hit.
/// </remarks>
public sealed class ServiceProcess : IAsyncDisposable
{
    /// <summary>The failure bound of every wait that is given no other: 30 s.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(25);
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly Process _process;
    private readonly ServiceStart _start;
    private readonly OutputRing _output;
    private readonly TaskCompletionSource<int> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _ended;

    private ServiceProcess(Process process, ServiceStart start)
    {
        _process = process;
        _start = start;
        _output = new OutputRing(start.OutputLinesMax);
        Id = process.Id;
        process.OutputDataReceived += (_, line) => _output.Add(line.Data);
        process.ErrorDataReceived += (_, line) => _output.Add(line.Data);
        process.Exited += (_, _) => _exited.TrySetResult(process.ExitCode);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.EnableRaisingEvents = true;
        process.StandardInput.Close();
        _ended = ReadToEndAsync();
    }

    /// <summary>The child's process id.</summary>
    public int Id { get; }

    /// <summary>True once the child ended and was reaped.</summary>
    public bool HasExited => _exited.Task.IsCompleted;

    /// <summary>Completes with the exit code (128 + signal when a signal ended it).</summary>
    public Task<int> Exited => _exited.Task;

    /// <summary>The last lines of both output streams (<see cref="ServiceStart.OutputLinesMax"/>), in the order they were
    /// read.</summary>
    public string Output => _output.Text();

    /// <summary>Starts the child; it dies with this process, however this process ends.</summary>
    /// <param name="start">Program, arguments, environment.</param>
    /// <param name="deathSignal">What the kernel sends it then: KILL, or a signal of a clean stop.</param>
    public static ServiceProcess Start(ServiceStart start, string deathSignal = "KILL") =>
        new(ChildLauncher.Start(start, deathSignal), start);

    /// <summary>Runs a program to its end and returns its output; a non-zero exit code is an error.</summary>
    public static async Task<string> RunAsync(ServiceStart start, TimeSpan? timeout = null)
    {
        await using ServiceProcess process = Start(start);
        int code = await process.WaitForExitAsync(timeout);
        return code == 0 ? process.Output : throw process.Failure($"ended with exit code {code}");
    }

    /// <summary>Waits for a line of output that contains <paramref name="text"/>; one already printed counts.</summary>
    /// <exception cref="InvalidOperationException">The child ended before; carries its output.</exception>
    /// <exception cref="TimeoutException">Not within <paramref name="timeout"/> (30 s); carries its output.</exception>
    public async Task<string> WaitForLineAsync(string text, TimeSpan? timeout = null)
    {
        Task<string> found = _output.FirstAsync(line => line.Contains(text, StringComparison.Ordinal));
        try
        {
            await Task.WhenAny(found, _ended).WaitAsync(timeout ?? WaitMax);
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException(Failure($"printed no line with \"{text}\" in time").Message, late);
        }

        return found.IsCompleted ? await found : throw Failure($"ended before it printed \"{text}\"");
    }

    /// <summary>Asks <paramref name="url"/> until it answers 200.</summary>
    /// <exception cref="InvalidOperationException">The child ended before; carries its output.</exception>
    /// <exception cref="TimeoutException">Not within <paramref name="timeout"/> (30 s); carries its output.</exception>
    public Task WaitForHttpOkAsync(Uri url, TimeSpan? timeout = null) =>
        WaitUntilAsync(() => AnswersOkAsync(url), $"answer 200 on {url}", timeout);

    /// <summary>Asks <paramref name="ready"/> until it says true.</summary>
    /// <exception cref="InvalidOperationException">The child ended before; carries its output.</exception>
    /// <exception cref="TimeoutException">Not within <paramref name="timeout"/> (30 s); carries its output.</exception>
    public async Task WaitUntilAsync(Func<Task<bool>> ready, string what, TimeSpan? timeout = null)
    {
        var clock = Stopwatch.StartNew();
        using var tick = new PeriodicTimer(Poll);
        while (!await ready())
        {
            if (HasExited)
            {
                throw Failure($"ended with exit code {await Exited} before it could {what}");
            }

            if (clock.Elapsed > (timeout ?? WaitMax))
            {
                throw new TimeoutException(Failure($"did not {what} in {timeout ?? WaitMax}").Message);
            }

            await tick.WaitForNextTickAsync();
        }
    }

    /// <summary>kill -9 of the child itself; returns when it is reaped. Nothing happens when it ended before.</summary>
    public async Task KillAsync()
    {
        Signal(ProcessSignals.Kill);
        await WaitForExitAsync();
    }

    /// <summary>SIGTERM, and the exit code when it ends within <paramref name="timeout"/> (30 s).</summary>
    public Task<int> TerminateAsync(TimeSpan? timeout = null)
    {
        Signal(ProcessSignals.Terminate);
        return WaitForExitAsync(timeout);
    }

    /// <summary>SIGSTOP of the child and everything below it: it keeps its connections and answers nothing.</summary>
    public void Pause()
    {
        // The parent first, so that it starts no child that this misses.
        Signal(ProcessSignals.Stop);
        SignalDescendants(ProcessSignals.Stop);
    }

    /// <summary>SIGCONT: undoes <see cref="Pause"/>.</summary>
    public void Continue()
    {
        SignalDescendants(ProcessSignals.Continue);
        Signal(ProcessSignals.Continue);
    }

    /// <summary>Waits for the end, however it comes, and until <see cref="Output"/> has all that was said before.</summary>
    /// <exception cref="TimeoutException">It still runs after <paramref name="timeout"/> (30 s).</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? timeout = null)
    {
        try
        {
            await _ended.WaitAsync(timeout ?? WaitMax);
            return await Exited;
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException(Failure($"still runs after {timeout ?? WaitMax}").Message, late);
        }
    }

    /// <summary>kill -9 of the child and of everything below it.</summary>
    public async ValueTask DisposeAsync()
    {
        SignalDescendants(ProcessSignals.Kill);
        await KillAsync();
        _process.Dispose();
    }

    internal void Signal(int signal)
    {
        if (!HasExited)
        {
            ProcessSignals.Send(Id, signal);
        }
    }

    internal Exception Failure(string what) =>
        new InvalidOperationException($"{_start.FileName} {what}. Its output:\n{Output}");

    private static async Task<bool> AnswersOkAsync(Uri url)
    {
        try
        {
            using HttpResponseMessage response = await Http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception notYet) when (notYet is HttpRequestException or SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private void SignalDescendants(int signal)
    {
        foreach (int child in HasExited ? [] : ProcessSignals.Descendants(Id))
        {
            ProcessSignals.Send(child, signal);
        }
    }

    /// <summary>Waits for the end and until the pipes are read to theirs, at most 2 s: a grandchild may hold them open.</summary>
    private async Task ReadToEndAsync()
    {
        await Exited;
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await _process.WaitForExitAsync(bound.Token);
        }
        catch (OperationCanceledException)
        {
            _output.Add("(the output is not at its end: a process below still holds it)");
        }
    }
}

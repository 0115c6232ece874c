using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Sync.Testing.Processes;

/// <summary>
/// Starts child processes that the kernel kills when this process ends, however it ends (setpriv --pdeathsig).
/// </summary>
/// <remarks>
/// The kernel sends that signal when the *thread* ends that forked the child, and threads of the pool end when they
/// are idle. So one thread that lives as long as the process does all the starting. Callers only wait for it; the
/// queue is bounded and a full queue makes them wait.
/// </remarks>
internal static class ChildLauncher
{
    private static readonly BlockingCollection<Action> Work = StartThread();
    private static readonly string? SetPriv = FindOnPath("setpriv");

    internal static Process Start(ServiceStart start, string deathSignal)
    {
        Process? process = null;
        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        Work.Add(() =>
        {
            try
            {
                process = Process.Start(Describe(start, deathSignal));
            }
            catch (Exception error)
            {
                failure = ExceptionDispatchInfo.Capture(error);
            }

            done.Set();
        });
        done.Wait();
        failure?.Throw();
        return process ?? throw new InvalidOperationException($"{start.FileName} did not start.");
    }

    /// <summary>The full path of a program on PATH (or in the usual system folders), null when there is none.</summary>
    internal static string? FindOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
            .Concat(["/usr/bin", "/bin", "/usr/sbin", "/sbin"])
            .Where(folder => folder.Length > 0)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    private static ProcessStartInfo Describe(ServiceStart start, string deathSignal)
    {
        if (start.RunAs is not null && SetPriv is null)
        {
            throw new InvalidOperationException("setpriv is missing (package util-linux): needed to change the user.");
        }

        var info = new ProcessStartInfo(SetPriv ?? start.FileName)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = start.WorkingDirectory ?? "",
        };
        if (SetPriv is not null)
        {
            info.ArgumentList.Add($"--pdeathsig={deathSignal}");
            if (start.RunAs is { } user)
            {
                info.ArgumentList.Add($"--reuid={user}");
                info.ArgumentList.Add($"--regid={user}");
                info.ArgumentList.Add("--init-groups");
            }

            info.ArgumentList.Add("--");
            info.ArgumentList.Add(start.FileName);
        }

        foreach (string argument in start.Arguments)
        {
            info.ArgumentList.Add(argument);
        }

        foreach ((string name, string? value) in start.Environment)
        {
            info.Environment[name] = value;
        }

        return info;
    }

    private static BlockingCollection<Action> StartThread()
    {
        var work = new BlockingCollection<Action>(boundedCapacity: 64);
        var thread = new Thread(() =>
        {
            foreach (Action action in work.GetConsumingEnumerable())
            {
                action();
            }
        })
        {
            IsBackground = true,
            Name = "child launcher",
        };
        thread.Start();
        return work;
    }
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sync.Hosting;

/// <summary>Ends a running process with a code and a line: for a wrong setting that shows only once a server was
/// asked. Safe from any thread; the first call counts.</summary>
public sealed class ProcessEnd(IHostApplicationLifetime lifetime, ILogger<ProcessEnd> logger)
{
    private StartupException? _reason;

    /// <summary>What the process ends with; <see cref="ExitCodes.Ok"/> unless <see cref="Stop"/> was called.</summary>
    public int ExitCode => Volatile.Read(ref _reason)?.ExitCode ?? ExitCodes.Ok;

    /// <summary>Logs the line and stops the host in its ordinary, graceful way.</summary>
    public void Stop(StartupException reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (Interlocked.CompareExchange(ref _reason, reason, null) is not null) return;
        HostingLog.Ending(logger, reason.ExitCode, reason.Message);
        lifetime.StopApplication();
    }
}

using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Sync.Hosting;

/// <summary>How services log: one line an entry, UTC, to the standard output, secrets
/// masked.</summary>
public static class ConsoleLines
{
    /// <summary>Replaces the providers by the console, and quietens the web server's own chatter. Configuration
    /// (<c>Logging:LogLevel</c>) goes before these levels.</summary>
    public static ILoggingBuilder AddConsoleLines(this ILoggingBuilder logging)
    {
        ArgumentNullException.ThrowIfNull(logging);
        logging.ClearProviders();
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        // Failures to start are reported by ServiceRun in one line; a second report with a stack trace would bury it.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        logging.AddConsoleFormatter<LineFormatter, ConsoleFormatterOptions>();
        return logging.AddConsole(console => console.FormatterName = LineFormatter.LineName);
    }
}

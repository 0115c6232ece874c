using Microsoft.Extensions.Logging;

namespace Sync.Hosting;

/// <summary>Everything this project logs. Ids 1000 to 1099.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(1000, LogLevel.Critical, "Ending with code {Code}: {Reason}")]
    public static partial void Ending(ILogger logger, int code, string reason);

    [LoggerMessage(1001, LogLevel.Error, "A request failed by a defect: {Method} {Path}")]
    public static partial void Defect(ILogger logger, Exception error, string method, string path);

    [LoggerMessage(1002, LogLevel.Information,
        "A stream of {Path} is cut: its client did not read for {Timeout}; it may come back with its cursor")]
    public static partial void SlowClient(ILogger logger, string path, TimeSpan timeout);
}

using Microsoft.Extensions.Logging;

namespace Sync.Client;

/// <summary>Log events 6000 to 6099.</summary>
internal static partial class Log
{
    [LoggerMessage(6000, LogLevel.Error, "A lane of writes ended on an unexpected error; its writes were given up")]
    public static partial void LaneFailed(ILogger logger, Exception error);

    [LoggerMessage(6001, LogLevel.Warning, "Writer {Writer} did not take a batch of {Count} writes: {Reason}; it is repeated with the same idempotency keys")]
    public static partial void BatchFailed(ILogger logger, Uri writer, int count, string reason);

    [LoggerMessage(6002, LogLevel.Information, "A changefeed's stream from {Writer} was lost and is made again behind its cursor: {Reason}")]
    public static partial void FeedLost(ILogger logger, Uri writer, string reason);
}

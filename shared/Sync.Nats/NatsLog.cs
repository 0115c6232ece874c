using Microsoft.Extensions.Logging;

namespace Sync.Nats;

/// <summary>All log messages of this project, ids 5000 to 5099.</summary>
internal static partial class NatsLog
{
    [LoggerMessage(5000, LogLevel.Information, "Connected to {Server} ({ServerName} {Version}), epoch {Epoch}")]
    public static partial void Connected(this ILogger log, string server, string serverName, string version,
        long epoch);

    [LoggerMessage(5001, LogLevel.Warning, "Connection to {Server} ended: {Reason}")]
    public static partial void Disconnected(this ILogger log, string server, string reason);

    [LoggerMessage(5002, LogLevel.Warning, "Could not connect to {Server}: {Reason}")]
    public static partial void ConnectFailed(this ILogger log, string server, string reason);

    [LoggerMessage(5003, LogLevel.Error, "Gave up connecting: {Reason}")]
    public static partial void GaveUp(this ILogger log, string reason);

    [LoggerMessage(5004, LogLevel.Warning, "Server error: {Text}")]
    public static partial void ServerError(this ILogger log, string text);

    [LoggerMessage(5005, LogLevel.Error, "A callback of subscription {Sid} ({Subject}) threw")]
    public static partial void CallbackThrew(this ILogger log, Exception error, long sid, string subject);

    [LoggerMessage(5006, LogLevel.Warning,
        "Consumer of subscription {Sid} ({Subject}) is too slow: messages are dropped")]
    public static partial void SlowConsumer(this ILogger log, long sid, string subject);

    [LoggerMessage(5007, LogLevel.Warning, "{Server} goes into lame duck mode")]
    public static partial void LameDuck(this ILogger log, string server);

    [LoggerMessage(5008, LogLevel.Error, "An event handler threw")]
    public static partial void EventHandlerThrew(this ILogger log, Exception error);

    [LoggerMessage(5009, LogLevel.Critical, "The connection loop ended on an unexpected error")]
    public static partial void LoopFailed(this ILogger log, Exception error);
}

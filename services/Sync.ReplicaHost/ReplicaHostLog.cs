namespace Sync.ReplicaHost;

/// <summary>Everything this project logs. Ids 3200 to 3299.</summary>
internal static partial class ReplicaHostLog
{
    [LoggerMessage(3200, LogLevel.Information, "Following {Scope}")]
    public static partial void Following(ILogger logger, string scope);

    [LoggerMessage(3201, LogLevel.Warning,
        "{What} cannot be followed yet (attempt {Attempt}, next in {Wait}): {Reason}")]
    public static partial void FollowWaiting(ILogger logger, string what, int attempt, TimeSpan wait, string reason);

    [LoggerMessage(3202, LogLevel.Information, "The replica host is stopping")]
    public static partial void Stopping(ILogger logger);

    [LoggerMessage(3203, LogLevel.Information, "The replica host stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(3204, LogLevel.Warning, "Stopping: {What} failed")]
    public static partial void StopFailed(ILogger logger, Exception error, string what);

    [LoggerMessage(3205, LogLevel.Error, "The replica host cannot go on")]
    public static partial void StartFailed(ILogger logger, Exception error);
}

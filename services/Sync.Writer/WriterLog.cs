namespace Sync.Writer;

/// <summary>Everything this project logs. Ids 3000 to 3099.</summary>
internal static partial class WriterLog
{
    [LoggerMessage(3000, LogLevel.Information,
        "Writer {Owner}: ledger {Substrate} with {Feeds} feeds, history {History}")]
    public static partial void LedgerOpened(ILogger logger, string owner, string substrate, int feeds, long history);

    [LoggerMessage(3001, LogLevel.Warning,
        "The ledger cannot be opened yet (attempt {Attempt}, next in {Wait}): {Reason}")]
    public static partial void LedgerWaiting(ILogger logger, int attempt, TimeSpan wait, string reason);

    [LoggerMessage(3002, LogLevel.Warning,
        "The bus cannot be reached yet (attempt {Attempt}, next in {Wait}): {Reason}")]
    public static partial void BusWaiting(ILogger logger, int attempt, TimeSpan wait, string reason);

    [LoggerMessage(3003, LogLevel.Information, "Requests on the bus are answered")]
    public static partial void BusServed(ILogger logger);

    [LoggerMessage(3004, LogLevel.Warning,
        "Feed {Feed}: {Writes} forwarded writes wait for an owner (attempt {Attempt}): {Reason}")]
    public static partial void ForwardWaiting(ILogger logger, int feed, int writes, int attempt, string reason);

    [LoggerMessage(3005, LogLevel.Information, "Writer {Owner} is stopping")]
    public static partial void Stopping(ILogger logger, string owner);

    [LoggerMessage(3006, LogLevel.Information, "Writer {Owner} stopped")]
    public static partial void Stopped(ILogger logger, string owner);

    [LoggerMessage(3007, LogLevel.Warning, "Stopping: {What} failed")]
    public static partial void StopFailed(ILogger logger, Exception error, string what);

    [LoggerMessage(3008, LogLevel.Warning, "A bus request on {Subject} is refused: {Reason}")]
    public static partial void BusRequestRefused(ILogger logger, string subject, string reason);

    [LoggerMessage(3009, LogLevel.Error, "A forwarding lane failed for feed {Feed}")]
    public static partial void ForwardFailed(ILogger logger, Exception error, int feed);
}

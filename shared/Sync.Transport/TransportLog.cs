using Microsoft.Extensions.Logging;

namespace Sync.Transport;

/// <summary>Everything this project logs. Ids 4000 to 4099. No payloads, no header values, no credentials.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(4000, LogLevel.Error, "A handler of {Name} threw (error {Count} there, logged at powers of two)")]
    public static partial void HandlerThrew(this ILogger logger, object name, long count, Exception exception);

    [LoggerMessage(4001, LogLevel.Warning, "The mailbox of {Name} overflowed: {Dropped} messages dropped, the newest of each key kept")]
    public static partial void Overflowed(this ILogger logger, object name, int dropped);

    [LoggerMessage(4002, LogLevel.Warning, "A message of {Name} could not be read: {Error} (error {Count} there, logged at powers of two)")]
    public static partial void Undecodable(this ILogger logger, object name, string error, long count);

    [LoggerMessage(4003, LogLevel.Error, "A receiver of {Subject} threw on the read loop")]
    public static partial void ReceiverThrew(this ILogger logger, string subject, Exception exception);

    [LoggerMessage(4004, LogLevel.Error, "The responder of {Subject} failed")]
    public static partial void ResponderFailed(this ILogger logger, string subject, Exception exception);

    [LoggerMessage(4005, LogLevel.Warning, "A request on {Subject} names a reply subject outside {Prefix}: not answered")]
    public static partial void ReplyRefused(this ILogger logger, string subject, string prefix);

    [LoggerMessage(4006, LogLevel.Warning, "An answer of {Subject} was not taken by the bus")]
    public static partial void ReplyLost(this ILogger logger, string subject, Exception exception);

    [LoggerMessage(4007, LogLevel.Warning, "The responder of {Subject} is overloaded ({Count} refusals, logged at powers of two)")]
    public static partial void Overloaded(this ILogger logger, string subject, long count);

    [LoggerMessage(4009, LogLevel.Debug, "A subscriber joined while the bus was not there")]
    public static partial void JoinedUnconfirmed(this ILogger logger, Exception exception);

    [LoggerMessage(4008, LogLevel.Warning, "Unsubscribing {Name} failed")]
    public static partial void DetachFailed(this ILogger logger, object name, Exception exception);
}

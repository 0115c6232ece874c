using Microsoft.Extensions.Logging;

namespace Sync.Access;

/// <summary>Everything this project logs. Ids 1100 to 1199. Never a token.</summary>
internal static partial class AccessLog
{
    [LoggerMessage(1100, LogLevel.Information, "Tokens are known: {Count}")]
    public static partial void Loaded(ILogger logger, int count);

    [LoggerMessage(1101, LogLevel.Warning, "Tokens cannot be read (known ones are honoured for {StaleMax}): {Reason}")]
    public static partial void CannotRead(ILogger logger, TimeSpan staleMax, string reason);

    [LoggerMessage(1102, LogLevel.Error, "The record of a token at position {Position} cannot be read; it is refused: {Reason}")]
    public static partial void BadRecord(ILogger logger, long position, string reason);

    [LoggerMessage(1103, LogLevel.Error, "There are more than {Max} tokens; new ones are not known here. Revoke what is not used")]
    public static partial void Full(ILogger logger, int max);

    [LoggerMessage(1104, LogLevel.Warning, "Changes of tokens are not heard of at once, only every {PollEvery}: {Reason}")]
    public static partial void NotHeard(ILogger logger, TimeSpan pollEvery, string reason);
}

using Microsoft.Extensions.Logging;

namespace Sync.Http;

/// <summary>Everything this project logs. Ids 1200 to 1299. Never a token: its id and label are no secrets.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(1200, LogLevel.Information, "The token {Label} ({Id}) is used for its purpose: {Purpose}")]
    public static partial void PurposeUsed(ILogger logger, string label, string id, string purpose);

    [LoggerMessage(1201, LogLevel.Warning,
        "Access is open (Sync:Access:Open): anyone on this machine may read and write. Tokens: sync token root --help")]
    public static partial void AccessIsOpen(ILogger logger);
}

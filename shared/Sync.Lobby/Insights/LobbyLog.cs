using Microsoft.Extensions.Logging;

namespace Sync.Lobby.Insights;

/// <summary>Everything this project logs. Ids 7000 to 7099.</summary>
internal static partial class LobbyLog
{
    [LoggerMessage(7000, LogLevel.Warning, "{Vault}: derivation '{Derivation}' gave no summary, the earlier one stays: {Reason}")]
    public static partial void DerivationFailed(ILogger logger, string vault, string derivation, string reason);

    [LoggerMessage(7001, LogLevel.Warning, "Group {Group}: {What} failed, next in {Wait}: {Reason}")]
    public static partial void FollowFailed(ILogger logger, string group, string what, TimeSpan wait, string reason);

    [LoggerMessage(7002, LogLevel.Warning, "Group {Group}: feed {Feed} cannot be continued ({Event}); all shards are compared anew")]
    public static partial void Restarted(ILogger logger, string group, int feed, string @event);
}

namespace Sync.InsightHost;

/// <summary>Everything this project logs. Ids 8000 to 8099.</summary>
internal static partial class InsightHostLog
{
    [LoggerMessage(8000, LogLevel.Information,
        "Following {Groups} groups with {Derivations} derivations; an Insight vault shows totals drawn from many subjects")]
    public static partial void Following(ILogger logger, int groups, int derivations);

    [LoggerMessage(8001, LogLevel.Error, "The start failed")]
    public static partial void StartFailed(ILogger logger, Exception error);
}

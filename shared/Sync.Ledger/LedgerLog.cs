using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>All log lines of the project: ids 2000 to 2099.</summary>
internal static partial class LedgerLog
{
    [LoggerMessage(2000, LogLevel.Information, "Feed {Feed} is owned under epoch {Epoch}; it stands at {Position}, published {Published}")]
    public static partial void Owned(
        this ILogger logger, FeedId feed, LeaseEpoch epoch, Position position, Position published);

    [LoggerMessage(2001, LogLevel.Information, "Feed {Feed} is released at {Position}, published {Published}")]
    public static partial void Released(this ILogger logger, FeedId feed, Position position, Position published);

    [LoggerMessage(2002, LogLevel.Warning, "Feed {Feed} is lost to another owner (epoch {Epoch} was ours)")]
    public static partial void Lost(this ILogger logger, FeedId feed, LeaseEpoch epoch);

    [LoggerMessage(2003, LogLevel.Warning, "Feed {Feed}: a commit of {Facts} facts failed and is tried again: {Detail}")]
    public static partial void CommitFailed(this ILogger logger, FeedId feed, int facts, string detail);

    [LoggerMessage(2004, LogLevel.Warning, "Feed {Feed}: the outcome of a commit of {Facts} facts is unknown; taking the feed over to find out: {Detail}")]
    public static partial void CommitUnknown(this ILogger logger, FeedId feed, int facts, string detail);

    [LoggerMessage(2005, LogLevel.Warning, "Feed {Feed}: the ledger refuses the data of a group of {Facts} facts; it is split: {Detail}")]
    public static partial void DataError(this ILogger logger, FeedId feed, int facts, string detail);

    [LoggerMessage(2006, LogLevel.Warning, "Feed {Feed}: a load failed and is tried again")]
    public static partial void LoadFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2007, LogLevel.Warning, "Feed {Feed}: renewing the lease failed")]
    public static partial void RenewFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2008, LogLevel.Warning, "Feed {Feed}: resolving an unknown outcome failed and is tried again")]
    public static partial void ResolveFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2009, LogLevel.Warning, "Feed {Feed}: publishing failed and starts again behind {Confirmed}")]
    public static partial void PublishFailed(this ILogger logger, FeedId feed, Position confirmed, Exception exception);

    [LoggerMessage(2010, LogLevel.Error, "Feed {Feed}: the bus refuses the envelope of {Key} at {Position} for good; replicas fetch it when the beat names it")]
    public static partial void EnvelopeRefused(
        this ILogger logger, FeedId feed, SyncedKey key, Position position, Exception exception);

    [LoggerMessage(2011, LogLevel.Warning, "Looking for free feeds failed and is tried again")]
    public static partial void AcquireFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2012, LogLevel.Warning, "Feed {Feed}: releasing the lease failed; it expires by itself")]
    public static partial void ReleaseFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2013, LogLevel.Critical, "Feed {Feed}: the owner's loop failed; the feed is given up")]
    public static partial void LoopFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2014, LogLevel.Warning, "Feed {Feed}: forgetting old idempotency keys failed and is tried again later")]
    public static partial void ExpireFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2015, LogLevel.Error, "A handler of ownership changes failed")]
    public static partial void OwnershipHandlerFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2030, LogLevel.Warning, "Feed {Feed}: reading on for its changefeeds failed and is tried again")]
    public static partial void TailReadFailed(this ILogger logger, FeedId feed, Exception exception);

    [LoggerMessage(2031, LogLevel.Warning, "Beats cannot be heard yet; changefeeds of feeds that others own are late")]
    public static partial void BeatsNotHeard(this ILogger logger, Exception exception);
}

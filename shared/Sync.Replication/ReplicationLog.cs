using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>All logs of the project; ids 3000 to 3099.</summary>
internal static partial class ReplicationLog
{
    [LoggerMessage(3000, LogLevel.Warning, "Refetch of {Count} keys of vault {Vault} failed")]
    public static partial void RefetchFailed(this ILogger logger, int count, string vault, Exception error);

    [LoggerMessage(3001, LogLevel.Warning, "Recovery of {Key} has failed; it is stale until its next envelope or beat")]
    public static partial void RecoveryFailed(this ILogger logger, SyncedKey key);

    [LoggerMessage(3002, LogLevel.Warning, "{Key}: sequence {Refused} was refused, {Applied} stays: {Reason}")]
    public static partial void Refused(this ILogger logger, SyncedKey key, Sequence refused, Sequence applied, string reason);

    [LoggerMessage(3003, LogLevel.Error, "An observer or cell of {Key} threw; the replica goes on")]
    public static partial void ObserverFailed(this ILogger logger, SyncedKey key, Exception error);

    [LoggerMessage(3004, LogLevel.Information, "Messages may have been lost ({Disruption}): checking {Count} replicas")]
    public static partial void Disrupted(this ILogger logger, Disruption disruption, int count);

    [LoggerMessage(3005, LogLevel.Warning, "{Key}: the history was replaced by {History}; its sequence starts again")]
    public static partial void HistoryReplaced(this ILogger logger, SyncedKey key, HistoryId history);

    [LoggerMessage(3006, LogLevel.Warning, "Backfill of {Key} after sequence {After} failed; the newest is taken")]
    public static partial void BackfillFailed(this ILogger logger, SyncedKey key, Sequence after, Exception error);

    [LoggerMessage(3007, LogLevel.Critical, "The hub's loop ended: recoveries stop until the process restarts")]
    public static partial void LoopFailed(this ILogger logger, Exception error);

    [LoggerMessage(3020, LogLevel.Debug, "{Scope} is {Status} with {Records} records")]
    public static partial void CollectionStatus(this ILogger logger, SyncedPattern scope, CollectionStatus status, long records);

    [LoggerMessage(3021, LogLevel.Warning, "{Scope}: sequence {Sequence} of {Key} was refused; its old value, if any, stays")]
    public static partial void CollectionRefused(this ILogger logger, SyncedPattern scope, SyncedKey key, Sequence sequence);

    [LoggerMessage(3022, LogLevel.Warning, "{Scope}: the history was replaced by {History}; it is loaded again")]
    public static partial void CollectionReset(this ILogger logger, SyncedPattern scope, HistoryId history);

    [LoggerMessage(3023, LogLevel.Warning, "{Scope}: a {Request} request failed and is repeated: {Reason}")]
    public static partial void CollectionRequestFailed(
        this ILogger logger, SyncedPattern scope, CollectionRequestKind request, string reason);

    [LoggerMessage(3024, LogLevel.Information, "{Scope}: messages may have been lost ({Disruption}); it is checked")]
    public static partial void CollectionDisrupted(this ILogger logger, SyncedPattern scope, Disruption disruption);

    [LoggerMessage(3025, LogLevel.Error, "An observer of {Scope} threw; it is told no more")]
    public static partial void CollectionObserverFailed(this ILogger logger, SyncedPattern scope, Exception error);

    [LoggerMessage(3008, LogLevel.Information, "{Keys} keys of {Pattern} are followed by {How}")]
    public static partial void Switched(this ILogger logger, SyncedPattern pattern, int keys, string how);

    [LoggerMessage(3009, LogLevel.Warning, "The subscription of {Pattern} could not be switched; the old one stays, it is tried again")]
    public static partial void SwitchFailed(this ILogger logger, SyncedPattern pattern, Exception error);
}

using Sync.Contracts;
using Sync.Hosting;

namespace Sync.ReplicaHost.Http;

/// <summary>Every problem of this service's own (docs/PROTOCOL.md, Errors). The codes are stable.</summary>
internal static class Problems
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static Problem NotFollowed(string what) => new(
        404, "not-followed", "This replica host does not follow that",
        $"{what} is in none of its scopes; /v1/status lists them. Ask the writer, or another replica host.");

    public static Problem Loading(SyncedPattern scope) => new(
        503, "loading", "The scope is not loaded yet",
        $"{scope} is being loaded for the first time: what is not here yet may exist. Repeat the request later.")
    {
        RetryAfter = RetryAfter,
    };

    public static Problem Unaddressed { get; } = CommonProblems.Malformed(
        "Give vault or group (not both), and a collection if only that is wanted.");

    /// <summary>What the application's own exceptions mean to a caller; null = a defect.</summary>
    public static Problem? Of(Exception error) => error is SyncException { Code: SyncErrorCode.Invalid } known
        ? CommonProblems.Malformed(known.Message)
        : null;
}

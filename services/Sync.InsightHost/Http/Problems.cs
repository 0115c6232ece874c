using Sync.Contracts;
using Sync.Hosting;

namespace Sync.InsightHost.Http;

/// <summary>Every problem of this service's own (docs/PROTOCOL.md, Errors). The codes are stable.</summary>
internal static class Problems
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    public static Problem RefreshFailed(string detail) =>
        new(409, "refresh-failed", "A shard cannot be derived", detail + ". Without failFast it is listed, and the others go on.");

    /// <summary>What the application's own exceptions mean to a caller; null = a defect.</summary>
    public static Problem? Of(Exception error) => error is not SyncException known ? null : known.Code switch
    {
        SyncErrorCode.Invalid => CommonProblems.Malformed(known.Message + "."),
        _ when known.IsTransient => new Problem(503, "not-ready", "The Insight host is not ready", known.Message)
        {
            RetryAfter = RetryAfter,
        },
        _ => new Problem(502, "ledger-refused", "The writer refuses", known.Message),
    };
}

namespace Sync.Cli.Status;

/// <summary>Facts a second of a ledger, from what its writer tells now and told before.</summary>
internal sealed class CommitRate(TimeProvider time)
{
    private long? _facts;
    private long _at;

    /// <summary>The rate since the last call; null when the ledger did not answer twice, or is another one.</summary>
    public double? Next(IEnumerable<ServiceStatus> services)
    {
        var (before, since) = (_facts, _at);
        (_facts, _at) = (Facts(services), time.GetTimestamp());
        return _facts - before is { } more and >= 0 ? more / time.GetElapsedTime(since, _at).TotalSeconds : null;
    }

    // Every writer tells of all feeds: one is enough.
    private static long? Facts(IEnumerable<ServiceStatus> services) => services
        .Where(service => service.Name == ServiceNames.Writer)
        .Select(service => service.Status is { } status && status.TryGetProperty("feeds", out var feeds)
            ? feeds.EnumerateArray().Sum(feed => feed.GetProperty("position").GetInt64()) : (long?)null)
        .FirstOrDefault(facts => facts is not null);
}

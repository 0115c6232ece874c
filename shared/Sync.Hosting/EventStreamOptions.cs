namespace Sync.Hosting;

/// <summary>Limits and times of event streams.</summary>
public sealed record EventStreamOptions
{
    /// <summary>Most streams at a time; the next get 503. Default 1,024; 1..100000.</summary>
    public int StreamsMax { get; init; } = 1024;

    /// <summary>A client that does not take a write and its flush within this is dropped. Default 3 s; 100 ms..1
    /// min.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A comment is sent when nothing else was for this long, so that both sides see a dead connection.
    /// Default 10 s; 100 ms..5 min.</summary>
    public TimeSpan HeartbeatEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Shortest wait that clients are told to keep before they reconnect; each is told another one, up to
    /// twice this, so that they do not all come back at once. Default 1 s; 10 ms..1 min.</summary>
    public TimeSpan RetryMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Adds what is wrong, under the names of a section that holds these settings.</summary>
    public void Check(SettingChecks checks)
    {
        ArgumentNullException.ThrowIfNull(checks);
        checks.Range(nameof(StreamsMax), StreamsMax, 1, 100_000, "streams");
        checks.Range(nameof(WriteTimeout), WriteTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1));
        checks.Range(nameof(HeartbeatEvery), HeartbeatEvery, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        checks.Range(nameof(RetryMin), RetryMin, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1));
    }
}

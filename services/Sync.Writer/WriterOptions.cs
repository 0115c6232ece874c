using Sync.Hosting;

namespace Sync.Writer;

/// <summary>Settings of the front doors: section <c>Sync:Writer</c>.</summary>
public sealed record WriterOptions
{
    public const string Section = "Sync:Writer";

    /// <summary>Listening addresses, separated by ';'. Loopback only.</summary>
    public string Urls { get; init; } = "http://127.0.0.1:5080";

    /// <summary>Most bytes of a request body, and of one batch line's value. 1 KiB..64 MiB.</summary>
    public int BodyBytesMax { get; init; } = 1 << 20;

    /// <summary>Most connections at a time; the next are closed. 1..100000.</summary>
    public int ConnectionsMax { get; init; } = 2048;

    /// <summary>Most batch requests at a time; the next get 503. 1..10000.</summary>
    public int BatchesMax { get; init; } = 512;

    /// <summary>Most lines of one batch that are read and not answered. 1..65536. Shared out when many batches
    /// run.</summary>
    public int BatchLinesInFlightMax { get; init; } = 1024;

    /// <summary>Most value bytes of such lines in all batches together; above it batches are read more slowly. 1
    /// MiB..4 GiB.</summary>
    public long BatchBytesInFlightMax { get; init; } = 128L << 20;

    /// <summary>A batch ends when no byte came for this long. 1 s..1 h.</summary>
    public TimeSpan BatchIdleTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a write waits for an owner of its feed before it is refused. 100 ms..1 min.</summary>
    public TimeSpan OwnerTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most forwarded writes of one feed that wait here; the next get 503. 1..100000.</summary>
    public int ForwardsWaitingMax { get; init; } = 4096;

    /// <summary>Most requests of one kind that the bus door serves at a time. 1..10000.</summary>
    public int BusConcurrencyMax { get; init; } = 64;

    /// <summary>How long requests may go on after the stop signal. 100 ms..1 min.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Host names to answer to, beside loopback.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Origins whose pages may send unsafe requests, beside this service's own.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>Adds what is wrong.</summary>
    public static void Check(WriterOptions options, SettingChecks checks)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(checks);
        checks.Required(nameof(Urls), options.Urls, "a listening address like http://127.0.0.1:5080");
        checks.Range(nameof(BodyBytesMax), options.BodyBytesMax, 1 << 10, 64 << 20, "bytes");
        checks.Range(nameof(ConnectionsMax), options.ConnectionsMax, 1, 100_000, "connections");
        checks.Range(nameof(BatchesMax), options.BatchesMax, 1, 10_000, "requests");
        checks.Range(nameof(BatchLinesInFlightMax), options.BatchLinesInFlightMax, 1, 65_536, "lines");
        checks.Range(nameof(BatchBytesInFlightMax), options.BatchBytesInFlightMax, 1 << 20, 4L << 30, "bytes");
        checks.Range(nameof(BatchIdleTimeout), options.BatchIdleTimeout, TimeSpan.FromSeconds(1),
            TimeSpan.FromHours(1));
        checks.Range(nameof(OwnerTimeout), options.OwnerTimeout, TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(1));
        checks.Range(nameof(ForwardsWaitingMax), options.ForwardsWaitingMax, 1, 100_000, "writes");
        checks.Range(nameof(BusConcurrencyMax), options.BusConcurrencyMax, 1, 10_000, "requests");
        checks.Range(nameof(StopTimeout), options.StopTimeout, TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(1));
    }
}

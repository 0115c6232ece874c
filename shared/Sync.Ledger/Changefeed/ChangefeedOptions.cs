using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Limits and times of the changefeed of a process: section <c>Sync:Changefeed</c>.</summary>
public sealed record ChangefeedOptions
{
    /// <summary>Section of the configuration.</summary>
    public const string Section = "Sync:Changefeed";

    /// <summary>Most readers at a time. Default 10,000; 1..1000000.</summary>
    public int ReadersMax { get; init; } = 10_000;

    /// <summary>Most recent changes of a feed kept in memory for its readers; who is further behind reads the ledger.
    /// Default 4,096; 1..1000000.</summary>
    public int TailFactsMax { get; init; } = 4096;

    /// <summary>Most bytes of those changes (values and 512 for each). Default 4 MiB; 64 KiB..1 GiB.</summary>
    public long TailBytesMax { get; init; } = 4 << 20;

    /// <summary>Most changes of one read of the ledger. Default 500; 1..10000.</summary>
    public int PageFactsMax { get; init; } = 500;

    /// <summary>Value bytes after which such a read stops. Default 1 MiB; 64 KiB..64 MiB.</summary>
    public int PageBytesMax { get; init; } = 1 << 20;

    /// <summary>Most reads of the ledger at a time: the rest of its connections are for others. Default 4;
    /// 1..100.</summary>
    public int ReadsMax { get; init; } = 4;

    /// <summary>How often the ledger is asked about a feed that another process owns and that is followed here, in case
    /// its beats are lost. Default 2 s; 10 ms..5 min.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A reader whose filter lets nothing through is told at most this late that its cursor moved. Default
    /// 10 s; 10 ms..5 min.</summary>
    public TimeSpan ReachedEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>And after at most this many positions. Default 1,000; 1..1000000.</summary>
    public int ReachedPositions { get; init; } = 1000;

    /// <summary>A reader with <see cref="DeliveryPolicy.DropToLatest"/> that is further behind the head skips to it.
    /// Default 10,000 positions; 1..1000000000.</summary>
    public int DropBehind { get; init; } = 10_000;

    /// <summary>Refuses unusable values at start.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: each wrong key with its value, range and
    /// unit.</exception>
    public void Validate()
    {
        var wrong = new List<string>();
        Check(nameof(ReadersMax), ReadersMax, 1, 1_000_000, "readers");
        Check(nameof(TailFactsMax), TailFactsMax, 1, 1_000_000, "facts");
        Check(nameof(TailBytesMax), TailBytesMax, 64 << 10, 1 << 30, "bytes");
        Check(nameof(PageFactsMax), PageFactsMax, 1, 10_000, "facts");
        Check(nameof(PageBytesMax), PageBytesMax, 64 << 10, 64 << 20, "bytes");
        Check(nameof(ReadsMax), ReadsMax, 1, 100, "reads");
        Check(nameof(PollEvery), (long)PollEvery.TotalMilliseconds, 10, 300_000, "milliseconds");
        Check(nameof(ReachedEvery), (long)ReachedEvery.TotalMilliseconds, 10, 300_000, "milliseconds");
        Check(nameof(ReachedPositions), ReachedPositions, 1, 1_000_000, "positions");
        Check(nameof(DropBehind), DropBehind, 1, 1_000_000_000, "positions");
        if (wrong.Count > 0) throw new SyncException(SyncErrorCode.Invalid, string.Join("; ", wrong));

        void Check(string name, long value, long min, long max, string unit)
        {
            if (value < min || value > max) wrong.Add($"{Section}:{name} is {value}; must be {min}..{max} {unit}");
        }
    }
}

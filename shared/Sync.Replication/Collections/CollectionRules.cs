using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Bounds and expectations of a collection replica.</summary>
public sealed record CollectionRules
{
    /// <summary>The version whose major the schema-major gate expects; null text (the default) switches the gate
    /// off.</summary>
    public SchemaVersion Expected { get; init; }

    /// <summary>Most records held, 1 to 100,000,000 (default 10,000,000). One more and the replica stops as
    /// <see cref="CollectionStatus.Full"/>; tombstones not yet forgotten have the same bound.</summary>
    public int RecordsMax { get; init; } = 10_000_000;

    /// <summary>Refused keys that are listed with their reason, 0 to 100,000 (default 1,000); all are
    /// counted.</summary>
    public int SkewsListedMax { get; init; } = 1000;

    /// <summary>Live envelopes held until a feed's first page, 1 to 1,000,000 (default 10,000). What does not fit is
    /// fetched as changes.</summary>
    public int BufferMax { get; init; } = 10_000;

    /// <summary>Value bytes of those, 1 KiB to 4 GiB (default 64 MiB).</summary>
    public long BufferBytesMax { get; init; } = 64 << 20;

    /// <summary>Requests outstanding at a time, 1 to 64 (default 4); one for each feed, and one for refused
    /// keys; what is left is for pages ahead, two for a feed.</summary>
    public int RequestsMax { get; init; } = 4;

    /// <summary>Records of a snapshot page, 1 to 10,000 (default 10,000; bytes cut it first).</summary>
    public int SnapshotLimit { get; init; } = SnapshotRequest.LimitMax;

    /// <summary>Changes of a page, 1 to 10,000 (default 1,000).</summary>
    public int ChangesLimit { get; init; } = 1000;

    /// <summary>Refused keys of one request, 1 to 1,000 (default 100).</summary>
    public int RefetchLimit { get; init; } = 100;

    /// <summary>Refused keys that wait for their one refetch, 1 to 1,000,000 (default 10,000); one more is not
    /// refetched before its next change.</summary>
    public int RefetchQueueMax { get; init; } = 10_000;

    /// <summary>Attempts of a refetch, 1 to 100 (default 5). Pages are asked for until they come.</summary>
    public int RefetchAttemptsMax { get; init; } = 5;

    /// <summary>Failures in a row until a feed is stale, 1 to 100 (default 3).</summary>
    public int StaleAfterFailures { get; init; } = 3;

    /// <summary>How long an envelope may arrive after the beat that names it, 0 to 1 min (default 250 ms; 1 s across a
    /// broker cluster).</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>A check after a disruption begins after a random part of this, 0 to 1 min (default 500 ms).</summary>
    public TimeSpan CheckSpread { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Wait before the second attempt, 1 ms to 1 min (default 100 ms); doubles with each, jittered by
    /// half.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between attempts, <see cref="BackoffMin"/> to 10 min (default 2 s).</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Switches of the simulation.</summary>
    public CollectionPlantedFaults Faults { get; init; } = CollectionPlantedFaults.None;

    /// <summary>Refuses a value outside its range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        Check(RecordsMax is >= 1 and <= 100_000_000, nameof(RecordsMax), RecordsMax, "1..100000000 records");
        Check(SkewsListedMax is >= 0 and <= 100_000, nameof(SkewsListedMax), SkewsListedMax, "0..100000 keys");
        Check(BufferMax is >= 1 and <= 1_000_000, nameof(BufferMax), BufferMax, "1..1000000 envelopes");
        Check(BufferBytesMax is >= 1024 and <= 4L << 30,
            nameof(BufferBytesMax), BufferBytesMax, "1024..4294967296 bytes");
        Check(RequestsMax is >= 1 and <= 64, nameof(RequestsMax), RequestsMax, "1..64 requests");
        Check(SnapshotLimit is >= 1 and <= SnapshotRequest.LimitMax,
            nameof(SnapshotLimit), SnapshotLimit, "1..10000 records");
        Check(ChangesLimit is >= 1 and <= ChangesRequest.LimitMax,
            nameof(ChangesLimit), ChangesLimit, "1..10000 changes");
        Check(RefetchLimit is >= 1 and <= IEnvelopeSource.ItemsMax, nameof(RefetchLimit), RefetchLimit, "1..1000 keys");
        Check(RefetchQueueMax is >= 1 and <= 1_000_000, nameof(RefetchQueueMax), RefetchQueueMax, "1..1000000 keys");
        Check(RefetchAttemptsMax is >= 1 and <= 100, nameof(RefetchAttemptsMax), RefetchAttemptsMax, "1..100 attempts");
        Check(StaleAfterFailures is >= 1 and <= 100, nameof(StaleAfterFailures), StaleAfterFailures, "1..100 failures");
        Check(Grace >= TimeSpan.Zero && Grace <= TimeSpan.FromMinutes(1), nameof(Grace), Grace, "0..00:01:00");
        Check(CheckSpread >= TimeSpan.Zero && CheckSpread <= TimeSpan.FromMinutes(1),
            nameof(CheckSpread), CheckSpread, "0..00:01:00");
        Check(BackoffMin >= TimeSpan.FromMilliseconds(1) && BackoffMin <= TimeSpan.FromMinutes(1),
            nameof(BackoffMin), BackoffMin, "00:00:00.001..00:01:00");
        Check(BackoffMax >= BackoffMin && BackoffMax <= TimeSpan.FromMinutes(10),
            nameof(BackoffMax), BackoffMax, "BackoffMin..00:10:00");
    }

    private static void Check(bool isFine, string name, object value, string range)
    {
        if (isFine) return;
        throw new SyncException(SyncErrorCode.Invalid, $"Sync:Collection:{name} is {value}; must be {range}");
    }
}

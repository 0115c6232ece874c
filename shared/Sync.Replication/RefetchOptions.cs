using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Bounds of the way back to the writer, for one process and connection.</summary>
public sealed record RefetchOptions
{
    /// <summary>Requests in flight at a time, 1 to 64 (default 4): what a storm can ask of the writer at
    /// once.</summary>
    public int RequestsInFlightMax { get; init; } = 4;

    /// <summary>Keys in one request, 1 to 1,000 (default 500); all of one vault.</summary>
    public int KeysPerRequestMax { get; init; } = 500;

    /// <summary>Keys that wait or are in flight, 1 to 10,000,000 (default 250,000). One more is not taken: its
    /// replicas are stale until the next envelope or beat asks again.</summary>
    public int KeysMax { get; init; } = 250_000;

    /// <summary>Attempts until a key's recovery has failed, 1 to 100 (default 10).</summary>
    public int AttemptsMax { get; init; } = 10;

    /// <summary>Wait before the second attempt, 1 ms to 1 min (default 100 ms); doubles with each, and is jittered
    /// by half.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between attempts, <see cref="BackoffMin"/> to 10 min (default 2 s).</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long one request may take, 10 ms to 5 min (default 5 s).</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A check of many keys (reconnect, overflow, missed beats) begins after a random part of this, so that
    /// processes that were hurt together do not ask together; 0 to 1 min (default 500 ms).</summary>
    public TimeSpan CheckSpread { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Refuses a value outside its range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        Check(RequestsInFlightMax is >= 1 and <= 64, nameof(RequestsInFlightMax), RequestsInFlightMax, "1..64 requests");
        Check(KeysPerRequestMax is >= 1 and <= IEnvelopeSource.ItemsMax,
            nameof(KeysPerRequestMax), KeysPerRequestMax, "1..1000 keys");
        Check(KeysMax is >= 1 and <= 10_000_000, nameof(KeysMax), KeysMax, "1..10000000 keys");
        Check(AttemptsMax is >= 1 and <= 100, nameof(AttemptsMax), AttemptsMax, "1..100 attempts");
        Check(BackoffMin >= TimeSpan.FromMilliseconds(1) && BackoffMin <= TimeSpan.FromMinutes(1),
            nameof(BackoffMin), BackoffMin, "00:00:00.001..00:01:00");
        Check(BackoffMax >= BackoffMin && BackoffMax <= TimeSpan.FromMinutes(10),
            nameof(BackoffMax), BackoffMax, "BackoffMin..00:10:00");
        Check(RequestTimeout >= TimeSpan.FromMilliseconds(10) && RequestTimeout <= TimeSpan.FromMinutes(5),
            nameof(RequestTimeout), RequestTimeout, "00:00:00.010..00:05:00");
        Check(CheckSpread >= TimeSpan.Zero && CheckSpread <= TimeSpan.FromMinutes(1),
            nameof(CheckSpread), CheckSpread, "0..00:01:00");
    }

    private static void Check(bool isFine, string name, object value, string range)
    {
        if (!isFine) throw new SyncException(SyncErrorCode.Invalid, $"Sync:Refetch:{name} is {value}; must be {range}");
    }
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What one replica follows, and how.</summary>
/// <typeparam name="T">The model.</typeparam>
public sealed record ReplicaOptions<T>
{
    /// <summary>The key to follow; its names must be valid.</summary>
    public required SyncedKey Key { get; init; }

    /// <summary>The parse gate. Replicas of one key that use the same instance share the parse.</summary>
    public required SyncSchema<T> Schema { get; init; }

    /// <summary>An envelope to begin with; null (default) = none. It passes the same gates; one that fails is as
    /// none.</summary>
    public Envelope? Seed { get; init; }

    /// <summary>False: never ask the writer; a failed gate or a gap ends in stale. Default true, if the hub has a
    /// source.</summary>
    public bool Refetch { get; init; } = true;

    /// <summary>Receives the value after each change; null (default) = a <see cref="Cell{T}"/> of our own.</summary>
    public ICell<T>? Cell { get; init; }

    /// <summary>Receives the metadata after each change; null (default) = a cell of our own.</summary>
    public ICell<ReplicaMetadata>? MetadataCell { get; init; }

    /// <summary>The version whose major is expected; null (default) = the schema's.</summary>
    public SchemaVersion? Expected { get; init; }

    /// <summary>What to do about a skipped sequence. Default <see cref="GapPolicy.Refetch"/>;
    /// <see cref="GapPolicy.Backfill"/> needs a source that is an <see cref="IHistorySource"/>.</summary>
    public GapPolicy Gaps { get; init; }

    /// <summary>Most envelopes held by a backfill, 1 to 10,000 (default 256).</summary>
    public int BackfillHeldMax { get; init; } = 256;

    /// <summary>Changes kept for one slow watcher, 1 to 65,536 (default 256); beyond, the oldest are dropped and
    /// counted.</summary>
    public int WatchBufferMax { get; init; } = 256;

    /// <summary>Refuses what cannot work.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        if (Names.Check(Key) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, $"Sync:Replica:Key: {wrong}");
        if (Schema is null)
            throw new SyncException(SyncErrorCode.Invalid, "Sync:Replica:Schema is null; give the model's schema");
        if (WatchBufferMax is < 1 or > 65_536)
            throw new SyncException(SyncErrorCode.Invalid,
                $"Sync:Replica:WatchBufferMax is {WatchBufferMax}; must be 1..65536 changes");
    }
}

/// <summary>Bounds and times of a hub.</summary>
public sealed record ReplicaHubOptions
{
    /// <summary>Bounds of the way back to the writer.</summary>
    public RefetchOptions Refetch { get; init; } = new();

    /// <summary>How long an envelope may arrive after the beat that names it: 0 to 1 min (default 250 ms; 1 s across
    /// a broker cluster).</summary>
    public TimeSpan BeatGrace { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a wait for a position lets pass before it asks the writer: 0 to 1 min (default 50
    /// ms).</summary>
    public TimeSpan WaitAskAfter { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long a backfill may take before it is abandoned for the newest: 10 ms to 10 min (default 5
    /// s).</summary>
    public TimeSpan BackfillTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most replicas, 1 to 10,000,000 (default 1,000,000); one more is refused.</summary>
    public int ReplicasMax { get; init; } = 1_000_000;

    /// <summary>With more followed keys of one collection than this the collection is subscribed to as a whole, until less than
    /// half of it are left: 1 to 10,000,000 (default 1,000).</summary>
    public int WholeCollectionAbove { get; init; } = 1000;

    /// <summary>Most collection replicas, 1 to 10,000 (default 1,000); one more is refused.</summary>
    public int CollectionsMax { get; init; } = 1000;

    /// <summary>Pages asked for at a time by all collection replicas together, 1 to 1,000 (default 16).</summary>
    public int PagesInFlightMax { get; init; } = 16;

    /// <summary>Switches of the simulation.</summary>
    public PlantedFaults Faults { get; init; } = PlantedFaults.None;

    /// <summary>Refuses a value outside its range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        Refetch.Validate();
        var minute = TimeSpan.FromMinutes(1);
        Check(BeatGrace >= TimeSpan.Zero && BeatGrace <= minute, nameof(BeatGrace), BeatGrace, "0..00:01:00");
        Check(WaitAskAfter >= TimeSpan.Zero && WaitAskAfter <= minute, nameof(WaitAskAfter), WaitAskAfter, "0..00:01:00");
        Check(BackfillTimeout >= TimeSpan.FromMilliseconds(10) && BackfillTimeout <= TimeSpan.FromMinutes(10),
            nameof(BackfillTimeout), BackfillTimeout, "00:00:00.010..00:10:00");
        Check(ReplicasMax is >= 1 and <= 10_000_000, nameof(ReplicasMax), ReplicasMax, "1..10000000 replicas");
        Check(WholeCollectionAbove is >= 1 and <= 10_000_000, nameof(WholeCollectionAbove), WholeCollectionAbove, "1..10000000 keys");
        Check(CollectionsMax is >= 1 and <= 10_000, nameof(CollectionsMax), CollectionsMax, "1..10000 replicas");
        Check(PagesInFlightMax is >= 1 and <= 1000, nameof(PagesInFlightMax), PagesInFlightMax, "1..1000 requests");
    }

    private static void Check(bool isFine, string name, object value, string range)
    {
        if (!isFine) throw new SyncException(SyncErrorCode.Invalid, $"Sync:Replicas:{name} is {value}; must be {range}");
    }
}

/// <summary>A source that can also give a key's past, for <see cref="GapPolicy.Backfill"/>.</summary>
public interface IHistorySource
{
    /// <summary>A key's envelopes after a sequence, oldest first.</summary>
    /// <param name="key">The key.</param>
    /// <param name="after">Behind this sequence.</param>
    /// <param name="limit">At most this many, 1 to 1,000.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Empty when there are none.</returns>
    /// <exception cref="SyncException">No answer, or an error; transient ones say so.</exception>
    ValueTask<IReadOnlyList<Envelope>> GetHistoryAsync(
        SyncedKey key, Sequence after, int limit, CancellationToken cancellation = default);
}

/// <summary>How fresh a replica is.</summary>
/// <param name="IsKnown">False before any answer, beat, or envelope with a position.</param>
/// <param name="AsOf">The replica is current as of this feed position; it never goes back within a history.</param>
/// <param name="Time">When that was learned, by this process's clock.</param>
/// <param name="IsCurrent">True when beats are heard and nothing newer is known.</param>
public readonly record struct Freshness(bool IsKnown, FeedPosition AsOf, DateTimeOffset Time, bool IsCurrent);

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What is the same for replicas of every model. Opened by <see cref="ReplicaHub.OpenAsync{T}"/>.</summary>
public abstract class Replica : IAsyncDisposable, IReplicaMarks
{
    private protected Replica(ReplicaHub hub, SyncedKey key)
    {
        (Hub, Key) = (hub, key);
        Member = new FeedMember(key, this);
    }

    /// <summary>The key it follows.</summary>
    public SyncedKey Key { get; }

    /// <summary>Schema version, sequence, status and place of the value; untracked.</summary>
    public abstract ReplicaMetadata Metadata { get; }

    /// <summary>Applied sequence; -1 before the first value, 0 = known absent.</summary>
    public Sequence Sequence => Metadata.Sequence;

    /// <summary>How it stands.</summary>
    public ReplicaStatus Status => Metadata.Status;

    /// <summary>What it counted since its birth.</summary>
    public abstract ReplicaCounters Counters { get; }

    /// <summary>How fresh it is: "current as of feed position P, at time T".</summary>
    public Freshness Freshness => Hub.FreshnessOf(Member);

    /// <summary>Completes when no recovery is in flight; at once when there is none, or it is disposed.</summary>
    /// <param name="cancellation">Gives up.</param>
    public abstract Task WhenIdleAsync(CancellationToken cancellation = default);

    /// <summary>Completes when the replica is known to be current as of a position: read your writes. After 50 ms it
    /// asks the writer instead of waiting for the next beat.</summary>
    /// <param name="position">From a receipt.</param>
    /// <param name="timeout">Null (default) = no limit but the cancellation.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: another feed or history;
    /// <see cref="SyncErrorCode.Exhausted"/>: the time is over, or too many wait;
    /// <see cref="SyncErrorCode.Stopped"/>: disposed.</exception>
    public Task WaitForAsync(FeedPosition position, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        Hub.WaitForAsync(this, position, timeout, cancellation);

    /// <summary>From now on another version is expected: what was refused for its major is asked for again.</summary>
    /// <param name="version">The version; null text switches the schema-major gate off.</param>
    public abstract void Expect(SchemaVersion version);

    /// <summary>Stops following. Idempotent; cancels waiting refetches; when it completes no observer or cell is
    /// touched any more (unless it is called from inside one, which then is the last).</summary>
    public abstract ValueTask DisposeAsync();

    ReplicaMarks IReplicaMarks.Read() => ReadMarks();

    internal ReplicaHub Hub { get; }

    internal FeedMember Member { get; }

    /// <summary>Callers that wait for a position: an apply then wakes the hub.</summary>
    internal int Waiters;

    internal abstract ReplicaMarks ReadMarks();

    /// <summary>True when something else is visible now.</summary>
    internal abstract bool Receive(Envelope envelope, EnvelopeOrigin origin);

    /// <summary>True when the answer says all about this replica up to where it stands.</summary>
    internal abstract bool Answered(Envelope? envelope, Sequence have, HistoryId history, bool again);

    internal abstract void RefetchFailed(bool isLast);

    internal abstract void RefetchBegan();

    internal abstract void Check(FeedPosition need, TimeSpan due);

    internal abstract void TailGap(FeedPosition named);

    internal abstract void BeatHeard();

    internal abstract void HistoryReplaced(HistoryId history, TimeSpan due);

    internal abstract void HistoryEnded(int round, bool complete);
}

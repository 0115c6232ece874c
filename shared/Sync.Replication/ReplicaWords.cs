using Sync.Contracts;

namespace Sync.Replication;

/// <summary>How a replica stands. The last good value stays readable in every status.</summary>
public enum ReplicaStatus
{
    /// <summary>No value yet, or the recovery failed, or there is none.</summary>
    Stale = 0,

    /// <summary>The last apply or confirmation succeeded.</summary>
    Ok = 1,

    /// <summary>An inbound value failed a gate.</summary>
    Skew = 2,

    /// <summary>A recovery is in flight.</summary>
    Refetching = 3,
}

/// <summary>What a replica does about a sequence that was skipped.</summary>
public enum GapPolicy
{
    /// <summary>Apply the newer full object and confirm the head by a refetch (the default).</summary>
    Refetch = 0,

    /// <summary>Apply the newer full object and save the request.</summary>
    ApplyLatest = 1,

    /// <summary>Hold the newer object, bounded in count and time, until the missed ones are fetched and delivered in
    /// order.</summary>
    Backfill = 2,
}

/// <summary>Where an envelope comes from; the gate's steps are the same for all.</summary>
public enum EnvelopeOrigin
{
    /// <summary>From the subscription.</summary>
    Live = 0,

    /// <summary>Handed over at birth: from a page, a snapshot, a file.</summary>
    Seed = 1,

    /// <summary>The writer's answer to a refetch.</summary>
    Answer = 2,

    /// <summary>From the key's history, or held until its history was there
    /// (<see cref="GapPolicy.Backfill"/>).</summary>
    History = 3,
}

/// <summary>What a step of a core asks its shell to do. Several may be set.</summary>
[Flags]
public enum ReplicaEffects
{
    /// <summary>Nothing: the input changed nothing that anybody sees.</summary>
    None = 0,

    /// <summary>A value was applied; read it from the core.</summary>
    Applied = 1,

    /// <summary>The value was cleared: a tombstone, or known absent.</summary>
    Cleared = 2,

    /// <summary>The status changed.</summary>
    StatusChanged = 4,

    /// <summary>Read the current envelope from the writer, with <c>Have</c> and <c>Need</c> of the core.</summary>
    Refetch = 8,

    /// <summary>Read the key's history after <c>Sequence</c>, feed it in order, then call
    /// <c>HistoryEnded</c>.</summary>
    FetchHistory = 16,

    /// <summary>The history was replaced: marks are forgotten, the sequence may go back this once.</summary>
    Reset = 32,

    /// <summary>A value failed a gate; <c>LastError</c> says why when it was the parse gate.</summary>
    Refused = 64,

    /// <summary>The answer says all about this replica up to where it stands: tell the feed tracker.</summary>
    Settled = 128,
}

/// <summary>Everything a reader may know about the value it reads.</summary>
/// <param name="SchemaVersion">Version the value was written against; null text before the first value.</param>
/// <param name="Sequence">Sequence of the value; -1 before the first, 0 = known absent.</param>
/// <param name="Status">How the replica stands.</param>
/// <param name="HasValue">False before the first value, after a delete, and when known absent.</param>
/// <param name="At">Feed, history and position of the value; zero where not carried.</param>
/// <param name="Time">Transaction time of the value; zero where not carried.</param>
public readonly record struct ReplicaMetadata(
    SchemaVersion SchemaVersion, Sequence Sequence, ReplicaStatus Status, bool HasValue, FeedPosition At, Timestamp Time)
{
    /// <summary>Before the first value.</summary>
    public static readonly ReplicaMetadata Initial =
        new(default, Sequence.Unknown, ReplicaStatus.Stale, false, default, default);
}

/// <summary>A value and its metadata, read as one.</summary>
/// <param name="Value">The value; default when there is none.</param>
/// <param name="Metadata">What belongs to it.</param>
/// <typeparam name="T">The model.</typeparam>
public readonly record struct ReplicaState<T>(T? Value, ReplicaMetadata Metadata);

/// <summary>What an observer is told, in order.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Value">The value after it; default when there is none.</param>
/// <param name="Metadata">What belongs to it.</param>
/// <param name="Missed">Changes that were dropped before this one because the observer was too slow; 0 =
/// none.</param>
/// <typeparam name="T">The model.</typeparam>
public readonly record struct ReplicaChange<T>(
    ReplicaChangeKind Kind, T? Value, ReplicaMetadata Metadata, long Missed = 0);

/// <summary>Kinds of changes.</summary>
public enum ReplicaChangeKind
{
    /// <summary>Only the status changed; value and sequence are as before.</summary>
    Status = 0,

    /// <summary>A value was applied.</summary>
    Applied = 1,

    /// <summary>The value is gone: deleted, or known absent.</summary>
    Cleared = 2,

    /// <summary>The first item of a watch: how the replica stands at its beginning.</summary>
    Current = 3,
}

/// <summary>What a replica counted since its birth. Each is also a metric (<c>sync.replica.*</c>).</summary>
public struct ReplicaCounters : IEquatable<ReplicaCounters>
{
    /// <summary>Values applied, tombstones and known absents included.</summary>
    public long Applied { get; internal set; }

    /// <summary>Envelopes at or below the applied sequence.</summary>
    public long IgnoredStale { get; internal set; }

    /// <summary>Skipped sequences noticed at the gate.</summary>
    public long Gaps { get; internal set; }

    /// <summary>Values that the parse gate refused.</summary>
    public long ParseErrors { get; internal set; }

    /// <summary>Recoveries begun.</summary>
    public long Refetches { get; internal set; }

    /// <summary>Values that the schema-major gate refused.</summary>
    public long SchemaSkews { get; internal set; }

    /// <summary>Envelopes dropped because they name another key.</summary>
    public long WrongKey { get; internal set; }

    /// <summary>Requests that joined a recovery in flight.</summary>
    public long Coalesced { get; internal set; }

    /// <summary>Attempts that got no answer, or an error.</summary>
    public long RefetchFailures { get; internal set; }

    /// <summary>Changes that only a beat revealed.</summary>
    public long TailGaps { get; internal set; }

    /// <summary>Times that the history was replaced.</summary>
    public long Resets { get; internal set; }

    /// <summary>Backfills that ended at a bound instead of with the missed envelopes.</summary>
    public long BackfillsAbandoned { get; internal set; }

    /// <summary>Exceptions thrown by observers and cells.</summary>
    public long ObserverErrors { get; internal set; }

    /// <inheritdoc/>
    public readonly bool Equals(ReplicaCounters other) =>
        Applied == other.Applied && IgnoredStale == other.IgnoredStale && Gaps == other.Gaps && ParseErrors == other.ParseErrors
        && Refetches == other.Refetches && SchemaSkews == other.SchemaSkews && WrongKey == other.WrongKey
        && Coalesced == other.Coalesced && RefetchFailures == other.RefetchFailures && TailGaps == other.TailGaps
        && Resets == other.Resets && BackfillsAbandoned == other.BackfillsAbandoned && ObserverErrors == other.ObserverErrors;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is ReplicaCounters other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(Applied, IgnoredStale, Gaps, Refetches, Coalesced);

    /// <summary>Equality of all counters.</summary>
    public static bool operator ==(ReplicaCounters left, ReplicaCounters right) => left.Equals(right);

    /// <summary>Inequality of any counter.</summary>
    public static bool operator !=(ReplicaCounters left, ReplicaCounters right) => !left.Equals(right);
}

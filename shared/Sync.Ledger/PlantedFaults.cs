namespace Sync.Ledger;

/// <summary>For the simulation only: each switch breaks one rule that protects an invariant, so that the checker can
/// be shown to find it. All are off by default, and no option or setting turns one on.</summary>
public sealed record PlantedFaults
{
    /// <summary>Every rule holds.</summary>
    public static readonly PlantedFaults None = new();

    /// <summary>The sequencer answers a write when its group is formed, not when it is durable (breaks R1).</summary>
    public bool AckBeforeCommit { get; init; }

    /// <summary>The sequencer treats an unknown outcome as "not written" and commits again without a take-over
    /// (breaks R4, R9).</summary>
    public bool RetryUnknownBlindly { get; init; }

    /// <summary>The sequencer lets the answer to a load replace what it has committed since (breaks R2).</summary>
    public bool SequenceFromStaleLoad { get; init; }

    /// <summary>The memory ledger compares positions, not epochs (breaks R9).</summary>
    public bool NoEpochInFence { get; init; }

    /// <summary>The memory ledger keeps no unique index on idempotency keys (breaks R4).</summary>
    public bool IdempotencyOutsideTransaction { get; init; }

    /// <summary>The publisher calls handed what is not yet confirmed, and saves it (breaks R1).</summary>
    public bool PublishedSavedBeforeFlush { get; init; }

    /// <summary>After a reconnect the publisher goes on where it was (breaks R1).</summary>
    public bool ResumeFromHandedAfterReconnect { get; init; }

    /// <summary>A flush counts as confirmed although the connection changed since it was asked for (breaks R1).</summary>
    public bool FlushAcrossReconnect { get; init; }

    /// <summary>A group whose data the store refuses is committed again as it is (breaks liveness: one poisoned write holds
    /// up all others).</summary>
    public bool GroupNotSplit { get; init; }

    /// <summary>A write is refused by what groups in flight will leave, before they are written (breaks R4: the refusal may be
    /// untrue).</summary>
    public bool RefusalFromFlight { get; init; }

    /// <summary>When a group failed, those on top of it are taken for unwritten while they are still in flight (breaks R4, R9:
    /// one may yet be written, on top of what it was not made for).</summary>
    public bool OnTopNotAwaited { get; init; }

    /// <summary>A write is refused for good by what is known here although the lease may have run out (breaks R4: the
    /// refusal may be untrue).</summary>
    public bool LeaseInDoubtIgnored { get; init; }

    /// <summary>Beats cover committed facts that were not handed to the connection (breaks R6: a needless or a
    /// missing refetch).</summary>
    public bool BeatAheadOfEnvelopes { get; init; }

    /// <summary>Beats are not sent (breaks R6: a lost tail is never found).</summary>
    public bool NoBeats { get; init; }

    /// <summary>A later write of a key is taken although an earlier one of its request failed (breaks R4: what is repeated is
    /// overtaken).</summary>
    public bool OvertakingAllowed { get; init; }

    /// <summary>A changefeed whose cursor cannot be continued goes on from now without saying so (breaks
    /// R3).</summary>
    public bool FromNowInsteadOfReset { get; init; }

    /// <summary>A changefeed takes a cursor of another history for one of its own (breaks R3).</summary>
    internal bool CursorHistoryIgnored { get; init; }

    /// <summary>A changefeed goes on with what is kept when its cursor is below that (breaks R3).</summary>
    internal bool CursorFloorIgnored { get; init; }

    /// <summary>A changefeed that drops to the latest does not say so (breaks R3).</summary>
    internal bool DropNotTold { get; init; }

    /// <summary>Readers behind the tail of a changefeed are given what the tail has (breaks R3).</summary>
    internal bool TailStartIgnored { get; init; }

    /// <summary>The tail of a changefeed waits for what it missed before a take-over (breaks R3).</summary>
    internal bool TailGapNotNoticed { get; init; }

    /// <summary>A changefeed moves its cursor to the head of a page that was cut (breaks R3).</summary>
    internal bool ThroughIsHead { get; init; }
}

namespace Sync.Replication;

/// <summary>For the simulation: each switch breaks one rule of collection replicas, so that the simulation can show
/// that it notices. All off, always, elsewhere.</summary>
public sealed record CollectionPlantedFaults
{
    /// <summary>Nothing is broken.</summary>
    public static readonly CollectionPlantedFaults None = new();

    /// <summary>The load begins before the subscription is confirmed, and what both missed is never asked
    /// for.</summary>
    public bool SnapshotBeforeSubscribe { get; init; }

    /// <summary>Covered is the position of the last page instead of the first.</summary>
    public bool CoveredByLastPage { get; init; }

    /// <summary>A page settles nothing: late envelopes are applied in its range.</summary>
    public bool RangesNotSettled { get; init; }

    /// <summary>What is at or below covered is applied all the same.</summary>
    public bool CoveredNotChecked { get; init; }

    /// <summary>A snapshot that is loaded again keeps what is absent from it.</summary>
    public bool AbsentKept { get; init; }

    /// <summary>Covered moves with every envelope, also over a gap.</summary>
    public bool CoveredOverGap { get; init; }

    /// <summary>A tombstone is forgotten at once.</summary>
    public bool TombstoneForgottenAtOnce { get; init; }

    /// <summary>A beat moves covered although it names what has not arrived.</summary>
    public bool BeatNamesIgnored { get; init; }

    /// <summary>A beat moves covered although beats before it were missed.</summary>
    public bool MissedBeatsIgnored { get; init; }

    /// <summary>Beats have no effect.</summary>
    public bool BeatsIgnored { get; init; }

    /// <summary>What did not fit into the buffer is taken for seen.</summary>
    public bool BufferLossForgotten { get; init; }

    /// <summary>Changes are taken for complete although some are no longer kept.</summary>
    public bool FloorIgnored { get; init; }

    /// <summary>A cut page of changes is taken for all of them.</summary>
    public bool ThroughIgnored { get; init; }

    /// <summary>A replaced history is taken for the same.</summary>
    public bool HistoryIgnored { get; init; }

    /// <summary>After a reset the sequences of the old history still count.</summary>
    public bool ResetKeepsSequences { get; init; }

    /// <summary>When a load begins anew, the answer to a request of the earlier one is taken for its own.</summary>
    public bool OldAnswersTaken { get; init; }

    /// <summary>A page that was read ahead is applied before the one in front of it.</summary>
    public bool AheadTakenAtOnce { get; init; }

    /// <summary>A page that was asked for behind a guess is applied although the one in front of it ends elsewhere.</summary>
    public bool GuessTrusted { get; init; }

    /// <summary>The sequence of the held record is not compared.</summary>
    public bool SequenceNotChecked { get; init; }

    /// <summary>A tombstone has no effect.</summary>
    public bool TombstoneIgnored { get; init; }

    /// <summary>A value that the schema-major gate refuses is shown.</summary>
    public bool MajorIgnored { get; init; }

    /// <summary>A refused value clears the old one.</summary>
    public bool RefusedClears { get; init; }

    /// <summary>A refused value is refetched again and again.</summary>
    public bool RefetchForever { get; init; }

    /// <summary>A failed request is not sent again.</summary>
    public bool NoRetry { get; init; }
}

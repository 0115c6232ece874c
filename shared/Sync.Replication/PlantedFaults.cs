namespace Sync.Replication;

/// <summary>For the simulation: each switch breaks one rule, so that the simulation can show that it notices. All
/// off, always, elsewhere.</summary>
public sealed record PlantedFaults
{
    /// <summary>Nothing is broken.</summary>
    public static readonly PlantedFaults None = new();

    /// <summary>A refetch answer is applied without the sequence gate.</summary>
    public bool ApplyBelowSequence { get; init; }

    /// <summary>The sequence advances before the value has passed its gates.</summary>
    public bool SequenceAdvancedBeforeParse { get; init; }

    /// <summary>Beats are dropped by the receiver.</summary>
    public bool IgnoreBeats { get; init; }

    /// <summary>A skipped sequence is not noticed.</summary>
    public bool GapNotNoticed { get; init; }

    /// <summary>A replica fetches before its subscription is confirmed, and not after.</summary>
    public bool SubscribeAfterFetch { get; init; }

    /// <summary>A tombstone has no effect.</summary>
    public bool TombstoneIgnored { get; init; }

    /// <summary>Another history is taken for the same.</summary>
    public bool HistoryResetIgnored { get; init; }

    /// <summary>A replica that has refetched once never does again.</summary>
    public bool RefetchOnceNeverAgain { get; init; }

    /// <summary>An envelope that names another key is taken.</summary>
    public bool WrongKeyAccepted { get; init; }

    /// <summary>A refused value is refetched again and again.</summary>
    public bool RefetchForever { get; init; }
}

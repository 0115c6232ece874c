using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What a replica's core must know about its surroundings.</summary>
public sealed record ReplicaRules
{
    /// <summary>Most envelopes that <see cref="BackfillHeldMax"/> may allow.</summary>
    public const int BackfillHeldLimit = 10_000;

    /// <summary>The version whose major the schema-major gate expects; null text (the default) switches the gate
    /// off.</summary>
    public SchemaVersion Expected { get; init; }

    /// <summary>What to do about a skipped sequence. Default <see cref="GapPolicy.Refetch"/>.</summary>
    public GapPolicy Gaps { get; init; }

    /// <summary>True when there is a writer to refetch from; without one a failed gate or a gap ends in stale.
    /// Default true.</summary>
    public bool CanRefetch { get; init; } = true;

    /// <summary>Most envelopes held by a backfill, 1 to 10,000 (default 256); one more and it is abandoned for the
    /// newest.</summary>
    public int BackfillHeldMax { get; init; } = 256;

    /// <summary>Switches of the simulation.</summary>
    public PlantedFaults Faults { get; init; } = PlantedFaults.None;

    /// <summary>Refuses a value outside its range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with name, value and range.</exception>
    public void Validate()
    {
        if (BackfillHeldMax is < 1 or > BackfillHeldLimit)
            throw new SyncException(SyncErrorCode.Invalid,
                $"Sync:Replica:BackfillHeldMax is {BackfillHeldMax}; must be 1..{BackfillHeldLimit} envelopes");
        if (!Enum.IsDefined(Gaps))
            throw new SyncException(SyncErrorCode.Invalid,
                $"Sync:Replica:Gaps is {Gaps}; must be Refetch, ApplyLatest or Backfill");
    }
}

using Sync.Simulation.Collections;

namespace Sync.Simulation.Worlds;

/// <summary>Collection replicas in short histories, since some faults show in a few of 100,000 only.</summary>
internal sealed class CollectionsWorld : SimWorld
{
    public override string Name => "collections";
    public override string About => "one collection replica: snapshot, stream, beats, gaps, refetches";
    public override ulong Seed => 40_000_000;
    public override int Histories => 300_000;
    public override int HistoriesToReachAll => 5000;
    public override IReadOnlyList<string> Demanded => CollectionHistoryTests.Demanded;

    public override SimEnding Run(ulong seed, SimFaults faults, Coverage coverage)
    {
        var ending = CollectionHistory.Run(CollectionPlan.Of(seed), faults.Collection, coverage);
        return new(seed, ending.Violation, ending.Step, () => CollectionHistory.Describe(ending, faults.Collection));
    }
}

namespace Sync.Simulation.Worlds;

/// <summary>Writers, replicas, clients and everything between them.</summary>
internal sealed class WholeWorld : SimWorld
{
    public override string Name => "whole";
    public override string About => "clients, writers, ledger, broker and replicas as one system";
    public override ulong Seed => 20_260_101;
    public override int Histories => 3000;
    public override int HistoriesToReachAll => 1000;
    public override IReadOnlyList<string> Demanded => Coverage.Demanded;

    public override SimEnding Run(ulong seed, SimMode mode, SimFaults faults, Coverage coverage)
    {
        var ending = History.Run(Plan.Of(seed), faults.Ledger, faults.Replica);
        coverage.Add(ending.Coverage);
        return new(seed, ending.Violation, ending.Steps, () => History.Describe(
            ending, History.Shrink(ending, faults.Ledger, faults.Replica)));
    }
}

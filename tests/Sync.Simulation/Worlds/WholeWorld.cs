namespace Sync.Simulation.Worlds;

/// <summary>Writers, replicas, clients and everything between them.</summary>
internal sealed class WholeWorld : SimWorld
{
    public override string Name => "whole";
    public override string About => "clients, writers, ledger, broker and replicas as one system";
    public override ulong Seed => 20_260_101;
    public override int Histories => 5000;
    public override int HistoriesToReachAll => 3000;
    public override IReadOnlyList<string> Demanded => Coverage.Demanded;
    public override bool HasLiveness => true;

    public override IEnumerable<string> Missing(Coverage coverage) => coverage.Missing();

    public override bool Has(ulong seed, SimMode mode) =>
        mode == SimMode.Both || (mode == SimMode.Safety) == (Plan.Of(seed).Handicap == Handicap.None);

    public override SimEnding Run(ulong seed, SimFaults faults, Coverage coverage)
    {
        var switches = new Switches(faults.Ledger, faults.Replica, faults.Collection, faults.Model);
        var ending = History.Run(Plan.Of(seed), switches);
        coverage.Add(ending.Coverage);
        return new(seed, ending.Violation, ending.Steps, () => History.Describe(ending, Shrinker.Shrink(ending, switches)));
    }
}

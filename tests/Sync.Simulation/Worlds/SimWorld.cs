namespace Sync.Simulation.Worlds;

/// <summary>One of the worlds that histories are run in: a name on the command line, the faults that it has, and what it
/// must reach.</summary>
internal abstract class SimWorld
{
    public static readonly SimWorld Whole = new WholeWorld();
    public static readonly SimWorld Collections = new CollectionsWorld();
    public static readonly SimWorld Changefeeds = new ChangefeedsWorld();
    public static readonly SimWorld Insights = new InsightsWorld();

    public static readonly IReadOnlyList<SimWorld> All = [Whole, Collections, Changefeeds, Insights];

    public abstract string Name { get; }

    /// <summary>One line for people.</summary>
    public abstract string About { get; }

    /// <summary>The first seed when none is given.</summary>
    public abstract ulong Seed { get; }

    /// <summary>How many histories when no number is given.</summary>
    public abstract int Histories { get; }

    /// <summary>With that many histories each of <see cref="Demanded"/> must have been reached.</summary>
    public abstract int HistoriesToReachAll { get; }

    /// <summary>What histories must reach together.</summary>
    public abstract IReadOnlyList<string> Demanded { get; }

    /// <summary>True when some of its histories are of the mode <see cref="SimMode.Liveness"/>.</summary>
    public virtual bool HasLiveness => false;

    /// <summary>What should have been reached, and was not.</summary>
    public virtual IEnumerable<string> Missing(Coverage coverage) =>
        Demanded.Where(what => !coverage.Counts.ContainsKey(what));

    /// <summary>True when the history of this seed is of this mode.</summary>
    public virtual bool Has(ulong seed, SimMode mode) => mode != SimMode.Liveness;

    public abstract SimEnding Run(ulong seed, SimFaults faults, Coverage coverage);
}

using Sync.ChaosTests.Faults;

namespace Sync.ChaosTests.Schedule;

/// <summary>Faults that are done, healed and checked together.</summary>
/// <param name="Number">From 1, over all phases.</param>
/// <param name="Phase">A: one fault. B: a swarm of faults that overlap.</param>
/// <param name="Faults">At least one; their hands are apart.</param>
internal sealed record Round(int Number, char Phase, IReadOnlyList<Planned> Faults)
{
    /// <summary>The bound of convergence after all processes answer.</summary>
    public TimeSpan ConvergeWithin =>
        TimeSpan.FromSeconds(Faults.All(planned => planned.Fault.IsOfNetwork) ? 3 : 5);

    /// <summary>What convergence is told by: the kind of the fault, or that it was a swarm.</summary>
    public string Kind => Faults.Count == 1 ? Faults[0].Fault.Kind : "swarm";

    public override string ToString() => $"{Phase}{Number}: {string.Join(" + ", Faults.Select(planned => planned.Fault.Name))}";
}

/// <summary>A fault in a round.</summary>
/// <param name="Fault">What.</param>
/// <param name="After">When it begins, from the start of the round.</param>
/// <param name="Hold">How long it lasts.</param>
internal sealed record Planned(Fault Fault, TimeSpan After, TimeSpan Hold);

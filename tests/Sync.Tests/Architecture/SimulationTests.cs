using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>The simulation proves something about production only while it drives production's cores. What it may make
/// itself is what surrounds them: time, chance, the bus, readers who watch.</summary>
public sealed class SimulationTests
{
    private const string Folder = "tests/Sync.Simulation";

    // Interfaces and base types of shared/ that the simulation implements, and why that is no second implementation.
    private static readonly Dictionary<string, string> Models = new(StringComparer.Ordinal)
    {
        ["IIdSource"] = "ids are chance, and all chance is the seed's",
        ["IReplicaMarks"] = "the tracker reads a replica through it; the marks are the core's own",
        ["ICollectionSource"] = "how an Insight host reads, over a ledger of the simulation; it may crash at any call",
        ["ISummaryStore"] = "how an Insight host writes, over the same",
        ["SyncSchema"] = "the parse gate is the application's",
    };

    // The wire client is I/O itself; nothing of it is simulated.
    private static readonly SimulationRule Rule = new(
        Sources(Folder),
        [.. Sources("shared").Where(source => !source.File.StartsWith("shared/Sync.Nats/", StringComparison.Ordinal))],
        Sources("shared/Sync.Ledger", "shared/Sync.Replication", "shared/Sync.Lobby"),
        Sources("shared"),
        Models.Keys.ToHashSet(StringComparer.Ordinal));

    [Fact]
    public void Every_core_is_driven_by_the_simulation() => Repository.ShouldBeNone(
        Rule.LeftOut(), "The simulation does not use these; a core that it does not drive is not simulated:");

    [Fact]
    public void The_simulation_has_no_core_of_its_own() =>
        Repository.ShouldBeNone(Rule.Remade(), "Use the type of shared/ instead:");

    [Fact]
    public void The_simulation_implements_nothing_of_production_but_the_listed_models() => Repository.ShouldBeNone(
        Rule.Unlisted(), "Drive the production type, or list the model with its reason:");

    [Fact]
    public void Every_listed_model_is_implemented() =>
        Repository.ShouldBeNone(Rule.Unused(), "Take these from the list:");

    [Fact]
    public void The_simulation_sees_no_fakes()
    {
        Assert.DoesNotContain(
            "Sync.Testing", Repository.Read($"{Folder}/Sync.Simulation.csproj"), StringComparison.Ordinal);
    }

    private static SimulationRule.Source[] Sources(params string[] folders) =>
        [.. Repository.Sources(folders).Select(file => new SimulationRule.Source(file, Repository.Read(file)))];
}

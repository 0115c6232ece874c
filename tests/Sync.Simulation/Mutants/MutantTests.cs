using System.Globalization;
using System.Reflection;
using Shouldly;
using Sync.Simulation.Worlds;
using Xunit;

namespace Sync.Simulation.Mutants;

/// <summary>Is the checker awake? Each mutant must be found within its number of histories, by the check that is named
/// for it.</summary>
public sealed class MutantTests(ITestOutputHelper output)
{
    public static TheoryData<string, string> All()
    {
        var data = new TheoryData<string, string>();
        foreach (var mutant in MutantCatalogue.Simulated) data.Add(mutant.World.Name, mutant.Name);
        return data;
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_mutant_is_found_by_the_check_that_is_named_for_it(string world, string name)
    {
        var mutant = MutantCatalogue.Find(name, world).ShouldNotBeNull();
        var found = mutant.FirstFound(MutantCatalogue.Seed, mutant.HistoriesMax);
        found.ShouldNotBeNull($"no history of {mutant.HistoriesMax} says \"{string.Join("\" or \"", mutant.Invariants)}\"");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{world}, {name}: history {found} of {mutant.HistoriesMax}"));
    }

    [Fact]
    public void Every_switch_that_breaks_a_rule_has_a_mutant_or_a_test_elsewhere() => SwitchesOf(typeof(SimFaults))
        .Except(MutantCatalogue.Simulated.Select(mutant => mutant.Name), StringComparer.Ordinal)
        .Except(MutantCatalogue.Elsewhere.Keys, StringComparer.Ordinal)
        .ShouldBeEmpty();

    [Fact]
    public void Nothing_that_a_service_is_made_of_names_a_switch()
    {
        var sources = Directory.GetFiles(RepoRoot.Of("services"), "*.cs", SearchOption.AllDirectories);
        sources.Length.ShouldBeGreaterThan(50);
        sources.Where(file => File.ReadAllText(file).Contains("Faults", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public void What_is_said_to_be_found_elsewhere_is_named_there()
    {
        foreach (var (name, file) in MutantCatalogue.Elsewhere)
            File.ReadAllText(RepoRoot.Of(file)).ShouldContain(name);
    }

    [Fact]
    public void The_docs_list_every_mutant_with_its_world_its_bound_and_what_finds_it()
    {
        var lines = File.ReadAllLines(RepoRoot.Of("docs/TESTING.md"));
        foreach (var mutant in MutantCatalogue.Simulated)
        {
            var row = lines.FirstOrDefault(line => line.StartsWith($"| `{mutant.Name}` | {mutant.World.Name} |", StringComparison.Ordinal));
            row.ShouldNotBeNull($"docs/TESTING.md has no row of {mutant.Name} in {mutant.World.Name}");
            row.ShouldContain(string.Create(CultureInfo.InvariantCulture, $"/ {mutant.HistoriesMax} |"));
            row.ShouldContain(string.Join(" or ", mutant.Invariants));
        }
        foreach (var name in MutantCatalogue.Elsewhere.Keys) lines.ShouldContain(line => line.StartsWith($"| `{name}` |", StringComparison.Ordinal));
    }

    // All properties of a fault record that are switches, of all records that a world takes.
    private static IEnumerable<string> SwitchesOf(Type faults)
    {
        const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;
        return faults.GetProperties(Any).SelectMany(property =>
            property.PropertyType == typeof(bool) || property.PropertyType.IsInterface ? [property.Name]
            : property.PropertyType.Name.EndsWith("Faults", StringComparison.Ordinal) ? SwitchesOf(property.PropertyType)
            : Enumerable.Empty<string>());
    }
}

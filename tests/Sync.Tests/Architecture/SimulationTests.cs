using System.Text.RegularExpressions;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>The simulation proves something about production only while it drives production's cores. What it may make
/// itself is what surrounds them: time, chance, the bus, readers who watch.</summary>
public sealed partial class SimulationTests
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

    [Fact]
    public void Every_core_is_driven_by_the_simulation()
    {
        var simulation = Repository.Sources(Folder).SelectMany(Repository.Lines)
            .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .SelectMany(line => Name().Matches(line)).Select(match => match.Value)
            .ToHashSet(StringComparer.Ordinal);
        Repository.ShouldBeNone(
            from core in Cores()
            where !simulation.Contains(core.Name) && !core.IsInside
            select core.Name,
            "The simulation does not use these; a core that it does not drive is not simulated:");
    }

    [Fact]
    public void The_simulation_has_no_core_of_its_own()
    {
        // Where cores are, no type of the simulation may have the name of one that it should use instead.
        var own = Types("shared/Sync.Ledger", "shared/Sync.Replication", "shared/Sync.Lobby").ToHashSet(StringComparer.Ordinal);
        Repository.ShouldBeNone(
            from type in Types(Folder)
            where type.EndsWith("Core", StringComparison.Ordinal) || own.Contains(type)
            select type,
            "Use the type of shared/ instead:");
    }

    [Fact]
    public void The_simulation_implements_nothing_of_production_but_the_listed_models()
    {
        var contracts = Repository.Sources("shared").SelectMany(file => Interface().Matches(Repository.Read(file)))
            .Select(match => match.Groups["name"].Value).Append("SyncSchema").ToHashSet(StringComparer.Ordinal);
        Repository.ShouldBeNone(
            from file in Repository.Sources(Folder)
            from match in Bases().Matches(Repository.Read(file))
            from name in Name().Matches(match.Groups["name"].Value)
            where contracts.Contains(name.Value) && !Models.ContainsKey(name.Value)
            select $"{file}: {name.Value}",
            "Drive the production type, or list the model with its reason:");
    }

    [Fact]
    public void The_simulation_sees_no_fakes()
    {
        Assert.DoesNotContain(
            "Sync.Testing", Repository.Read($"{Folder}/Sync.Simulation.csproj"), StringComparison.Ordinal);
    }

    // The wire client is I/O itself; nothing of it is simulated. A core that another one makes is driven by it.
    private static IEnumerable<(string Name, bool IsInside)> Cores()
    {
        var files = Repository.Sources("shared")
            .Where(file => !file.StartsWith("shared/Sync.Nats/", StringComparison.Ordinal))
            .Select(file => (Text: Repository.Read(file), Declares: Core().Matches(Repository.Read(file)))).ToList();
        return from file in files
               from match in file.Declares
               let name = match.Groups["name"].Value
               select (name, files.Any(other => other.Declares.Count > 0 && other.Text != file.Text
                   && other.Text.Contains($"public {name} ", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Types(params string[] folders) => Repository.Sources(folders)
        .SelectMany(file => Declared().Matches(Repository.Read(file))).Select(match => match.Groups["name"].Value)
        .Where(name => name != "PlantedFaults").Distinct(StringComparer.Ordinal);

    [GeneratedRegex(@"\bclass (?<name>\w+Core)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Core();

    [GeneratedRegex(@"^(public|internal)[\w ]* (class|record|struct|enum|interface) (struct )?(?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Declared();

    [GeneratedRegex(@"\binterface (?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Interface();

    [GeneratedRegex(@"\b(class|record|struct) \w+(<[^>]*>)?(\([^)]*\))?\s*:\s*(?<name>[^{;]+)",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Bases();

    [GeneratedRegex(@"\b[A-Z]\w+", RegexOptions.None, 1000)]
    private static partial Regex Name();
}

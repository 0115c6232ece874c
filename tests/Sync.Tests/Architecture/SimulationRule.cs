using System.Text.RegularExpressions;

namespace Sync.Tests.Architecture;

/// <summary>What the simulation may make itself, as a function of sources: the same rule is held against the repository and
/// against sources that break it.</summary>
/// <param name="simulation">Sources of the simulation.</param>
/// <param name="cores">Sources in which production's cores are declared.</param>
/// <param name="production">Sources of the types that the simulation should use instead of its own.</param>
/// <param name="contracts">Sources of the interfaces that production offers.</param>
/// <param name="models">Interfaces and base types that the simulation may implement.</param>
internal sealed partial class SimulationRule(
    IReadOnlyCollection<SimulationRule.Source> simulation,
    IReadOnlyCollection<SimulationRule.Source> cores,
    IReadOnlyCollection<SimulationRule.Source> production,
    IReadOnlyCollection<SimulationRule.Source> contracts,
    IReadOnlySet<string> models)
{
    /// <summary>Cores of production that neither a line of the simulation names nor one of a core that it drives, comments
    /// apart.</summary>
    public IEnumerable<string> LeftOut()
    {
        var left = NamesOf(Core(), cores).ToHashSet(StringComparer.Ordinal);
        var driven = simulation.SelectMany(Named).ToHashSet(StringComparer.Ordinal);
        while (left.FirstOrDefault(driven.Contains) is { } core)
        {
            left.Remove(core);
            driven.UnionWith(cores.Where(source => NamesOf(Core(), [source]).Contains(core, StringComparer.Ordinal)).SelectMany(Named));
        }
        return left.Order(StringComparer.Ordinal);
    }

    /// <summary>Types of the simulation that are cores, or have the name of one of production.</summary>
    public IEnumerable<string> Remade()
    {
        var own = Types(production).ToHashSet(StringComparer.Ordinal);
        return Types(simulation).Where(type => type.EndsWith("Core", StringComparison.Ordinal) || own.Contains(type));
    }

    /// <summary>Where the simulation implements something of production that is not among the models.</summary>
    public IEnumerable<string> Unlisted() =>
        from use in Implemented()
        where !models.Contains(use.Name)
        select $"{use.File}: {use.Name}";

    /// <summary>Models that nothing of the simulation implements any more.</summary>
    public IEnumerable<string> Unused() => models.Except(Implemented().Select(use => use.Name), StringComparer.Ordinal);

    private IEnumerable<(string File, string Name)> Implemented()
    {
        var offered = NamesOf(Interface(), contracts).Append("SyncSchema").ToHashSet(StringComparer.Ordinal);
        return from source in simulation
               from match in Bases().Matches(source.Text)
               from name in Name().Matches(match.Groups["name"].Value)
               where offered.Contains(name.Value)
               select (source.File, name.Value);
    }

    private static IEnumerable<string> Named(Source source) => source.Text.Split('\n')
        .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal))
        .SelectMany(line => Name().Matches(line)).Select(match => match.Value);

    // Each set of switches has this name, in its own namespace.
    private static IEnumerable<string> Types(IEnumerable<Source> sources) =>
        NamesOf(Declared(), sources).Where(name => name != "PlantedFaults");

    private static IEnumerable<string> NamesOf(Regex pattern, IEnumerable<Source> sources) => sources
        .SelectMany(source => pattern.Matches(source.Text)).Select(match => match.Groups["name"].Value)
        .Distinct(StringComparer.Ordinal);

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

    /// <summary>A file and what is in it.</summary>
    internal sealed record Source(string File, string Text);
}

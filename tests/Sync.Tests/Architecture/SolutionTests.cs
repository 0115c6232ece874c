using System.Text.RegularExpressions;
using System.Xml.Linq;
using Shouldly;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>One name for folder, project, assembly and namespace; one place for versions.</summary>
public sealed partial class SolutionTests
{
    /// <summary>Not to be had, or not to be used: see the table in the README.</summary>
    private static readonly string[] Refused =
        ["NATS.Net", "NATS.Client.Core", "MessagePack", "Marten", "Testcontainers", "Testcontainers.Nats"];

    [Fact]
    public void The_solution_holds_every_project_and_no_other()
    {
        string solution = Repository.Read("Sync.sln").Replace('\\', '/');
        string[] listed = [.. ProjectPath().Matches(solution).Select(match => match.Groups["path"].Value)];

        listed.Order(StringComparer.Ordinal).ShouldBe(
            ProjectFile.All.Select(project => project.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_project_lies_in_the_folder_of_its_name() => Repository.ShouldBeNone(
        ProjectFile.All
            .Where(project => project.Path != $"{project.Area}/{project.Name}/{project.Name}.csproj")
            .Select(project => project.Path),
        "Expected AREA/NAME/NAME.csproj:");

    [Fact]
    public void Namespaces_start_with_the_name_of_their_project() => Repository.ShouldBeNone(
        from project in ProjectFile.All
        from file in Repository.Sources(Path.GetDirectoryName(project.Path)!)
        from line in Repository.Lines(file)
        where line.StartsWith("namespace ", StringComparison.Ordinal)
        let name = line["namespace ".Length..].TrimEnd(';', ' ', '{')
        where name != project.Name && !name.StartsWith(project.Name + ".", StringComparison.Ordinal)
        select $"{file}: {name}",
        "Folder = project = assembly = namespace:");

    [Fact]
    public void Package_versions_are_exact_and_central()
    {
        var props = XDocument.Parse(Repository.Read("Directory.Packages.props"));
        XElement[] versions = [.. props.Descendants("PackageVersion")];
        var central = new HashSet<string>(
            versions.Select(item => item.Attribute("Include")!.Value), StringComparer.Ordinal);
        central.Count.ShouldBe(versions.Length);

        Repository.ShouldBeNone(
            from item in versions
            where !ExactVersion().IsMatch(item.Attribute("Version")!.Value)
            select item.ToString(),
            "A version is exact, without range, wildcard or variable:");
        Repository.ShouldBeNone(
            from project in ProjectFile.All
            from item in project.Xml.Descendants("PackageReference")
            let name = item.Attribute("Include")!.Value
            where !central.Contains(name) || item.Attribute("Version") is not null
                || item.Attribute("VersionOverride") is not null
            select $"{project.Name}: {name}",
            "Versions stand in Directory.Packages.props only:");
    }

    [Fact]
    public void Refused_packages_are_not_referenced() => Repository.ShouldBeNone(
        from project in ProjectFile.All
        from package in project.Packages.Intersect(Refused, StringComparer.Ordinal)
        select $"{project.Name}: {package}",
        "These packages have a replacement here:");

    [Fact]
    public void Every_project_locks_its_packages() => Repository.ShouldBeNone(
        ProjectFile.All
            .Select(project => $"{Path.GetDirectoryName(project.Path)}/packages.lock.json")
            .Where(file => !Repository.Exists(file)),
        "Missing; restore writes it:");

    [GeneratedRegex("\"(?<path>[^\"]+\\.csproj)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ProjectPath();

    [GeneratedRegex(@"^\d+\.\d+\.\d+(\.\d+)?(-[0-9A-Za-z.]+)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExactVersion();
}

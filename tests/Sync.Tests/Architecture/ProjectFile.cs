using System.Xml.Linq;

namespace Sync.Tests.Architecture;

/// <summary>What a project file says about the project.</summary>
internal sealed record ProjectFile(string Path, string Name, string Area, XDocument Xml)
{
    public static IReadOnlyList<ProjectFile> All { get; } =
        [.. Repository.Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).Select(Load)];

    /// <summary>Names of the projects it references itself.</summary>
    public IReadOnlyList<string> Projects => [.. Included("ProjectReference").Select(NameOf)];

    /// <summary>Names of the packages it references itself; analyzers come from Directory.Build.props.</summary>
    public IReadOnlyList<string> Packages => [.. Included("PackageReference")];

    public IReadOnlyList<string> Frameworks => [.. Included("FrameworkReference")];

    public bool IsWeb => Xml.Root!.Attribute("Sdk")!.Value == "Microsoft.NET.Sdk.Web";

    public static ProjectFile Named(string name) =>
        All.SingleOrDefault(project => project.Name == name)
        ?? throw new InvalidOperationException($"There is no project {name}.");

    /// <summary>The project and everything it reaches through references.</summary>
    public IReadOnlyList<ProjectFile> Reach()
    {
        var reached = new List<ProjectFile> { this };
        for (int i = 0; i < reached.Count; i++)
        {
            reached.AddRange(reached[i].Projects.Select(Named).Except(reached).ToList());
        }

        return reached;
    }

    private static ProjectFile Load(string path) =>
        new(path, NameOf(path), path.Split('/')[0], XDocument.Parse(Repository.Read(path)));

    private static string NameOf(string path) =>
        System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/').Split('/')[^1]);

    private IEnumerable<string> Included(string element) =>
        Xml.Descendants(element).Select(item => item.Attribute("Include")?.Value).OfType<string>();
}

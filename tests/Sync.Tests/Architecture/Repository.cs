using Sync.Testing;
using Xunit;

namespace Sync.Tests.Architecture;

/// <summary>The files of the repository as they lie on disk, without what is built, installed or ignored.</summary>
internal static class Repository
{
    private static readonly HashSet<string> Ignored = new(
        [
            "bin", "obj", ".git", ".dev", ".vs", ".vscode", ".idea", "node_modules", "TestResults",
            "BenchmarkDotNet.Artifacts",
        ],
        StringComparer.Ordinal);

    private static readonly HashSet<string> Binary = new(
        [".gz", ".bin", ".png", ".ico", ".zip", ".woff2"], StringComparer.OrdinalIgnoreCase);

    /// <summary>Paths from the root, with forward slashes, sorted.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. Walk(RepoRoot.Path).Order(StringComparer.Ordinal)];

    public static IEnumerable<string> TextFiles => Files.Where(file => !Binary.Contains(Path.GetExtension(file)));

    public static IEnumerable<string> Sources(params string[] folders) => Files.Where(file =>
        file.EndsWith(".cs", StringComparison.Ordinal)
        && folders.Any(folder => file.StartsWith(folder + "/", StringComparison.Ordinal)));

    public static string Read(string file) => File.ReadAllText(RepoRoot.Combine(file));

    public static string[] Lines(string file) => File.ReadAllLines(RepoRoot.Combine(file));

    public static bool Exists(string path) => Path.Exists(RepoRoot.Combine(path));

    /// <summary>A broken rule is reported with everything that breaks it, one per line.</summary>
    public static void ShouldBeNone(IEnumerable<string> offences, string rule)
    {
        string[] all = [.. offences.Take(50)];
        Assert.True(all.Length == 0, $"{rule}\n  {string.Join("\n  ", all)}");
    }

    private static IEnumerable<string> Walk(string folder)
    {
        // In a worktree .git is a file, which holds a path of this machine.
        foreach (string file in Directory.EnumerateFiles(folder).Where(file => Path.GetFileName(file) != ".git"))
        {
            yield return Path.GetRelativePath(RepoRoot.Path, file).Replace('\\', '/');
        }

        foreach (string below in Directory.EnumerateDirectories(folder))
        {
            if (!Ignored.Contains(Path.GetFileName(below)))
            {
                foreach (string file in Walk(below))
                {
                    yield return file;
                }
            }
        }
    }
}

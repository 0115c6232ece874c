namespace Sync.Simulation.Worlds;

/// <summary>Files of the repository that tests read.</summary>
internal static class RepoRoot
{
    public static string Of(string path)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Sync.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not inside the repository");
        return Path.Combine(folder, path);
    }
}

namespace Sync.Testing;

/// <summary>The folder that holds Sync.sln, found from where the test assembly lies.</summary>
public static class RepoRoot
{
    /// <summary>Full path without a slash at the end.</summary>
    public static string Path { get; } = Find();

    /// <summary>The full path of a file or folder named from the root with forward slashes.</summary>
    public static string Combine(string relative) => System.IO.Path.Combine(Path, relative);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Sync.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Sync.sln above {AppContext.BaseDirectory}.");
    }
}

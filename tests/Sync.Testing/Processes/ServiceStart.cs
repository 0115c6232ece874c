namespace Sync.Testing.Processes;

/// <summary>What to start as a child process.</summary>
/// <param name="FileName">A program on PATH or its full path.</param>
public sealed record ServiceStart(string FileName)
{
    /// <summary>One element per argument; no quoting needed.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Added to the environment of this process; a null value takes a variable away.</summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } =
        new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>Null: the folder of this process.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Lines of output that are kept, the last ones. Default 2,000; more for tests that search all of it.</summary>
    public int OutputLinesMax { get; init; } = 2_000;

    /// <summary>The user to run as; null: the current one. Only root may change it.</summary>
    public string? RunAs { get; init; }

    /// <summary>
    /// One of our services, run from the build that matches this test assembly (services/NAME/bin/CONFIGURATION).
    /// </summary>
    /// <param name="service">The project's name, for instance Sync.Writer.</param>
    /// <param name="assembly">The assembly's name when it is not the project's.</param>
    public static ServiceStart Service(string service, string? assembly = null)
    {
        // ".../bin/CONFIGURATION/FRAMEWORK/": the same two last folders hold the service's own output.
        var output = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string file = Path.Combine(
            RepoRoot.Path, "services", service, "bin", output.Parent!.Name, output.Name, $"{assembly ?? service}.dll");
        return File.Exists(file)
            ? new ServiceStart("dotnet") { Arguments = [file] }
            : throw new FileNotFoundException($"{service} is not built: build services/{service} first.", file);
    }
}

using Sync.Testing;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Way;

/// <summary>Programs of <c>tests/consumers/node</c>, with their packages installed once.</summary>
internal static class NodeConsumer
{
    private static readonly SemaphoreSlim One = new(1);

    private static string Folder => Path.Combine(RepoRoot.Path, "tests", "consumers", "node");

    /// <summary>The folder, once its packages are there.</summary>
    public static async Task<string> FolderAsync()
    {
        await One.WaitAsync();
        try { await InstallAsync(); }
        finally { One.Release(); }
        return Folder;
    }

    private static async Task InstallAsync()
    {
        if (Directory.Exists(Path.Combine(Folder, "node_modules", "nats"))) return;
        await ServiceProcess.RunAsync(
            new ServiceStart("npm") { Arguments = ["ci", "--no-audit", "--no-fund"], WorkingDirectory = Folder }, TimeSpan.FromMinutes(3));
    }
}

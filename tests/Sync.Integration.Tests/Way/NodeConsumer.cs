using Sync.Testing;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Way;

/// <summary>Programs of <c>tests/consumers/node</c>, with their packages installed once.</summary>
internal static class NodeConsumer
{
    private static readonly Lazy<Task> Installed = new(InstallAsync);

    private static string Folder => Path.Combine(RepoRoot.Path, "tests", "consumers", "node");

    public static async Task<ServiceStart> ProgramAsync(string file, IReadOnlyDictionary<string, string?>? environment = null)
    {
        await Installed.Value;
        return new ServiceStart("node")
        {
            Arguments = [file],
            WorkingDirectory = Folder,
            Environment = environment ?? new Dictionary<string, string?>(StringComparer.Ordinal),
        };
    }

    private static async Task InstallAsync()
    {
        if (Directory.Exists(Path.Combine(Folder, "node_modules", "nats"))) return;
        await ServiceProcess.RunAsync(
            new ServiceStart("npm") { Arguments = ["ci", "--no-audit", "--no-fund"], WorkingDirectory = Folder }, TimeSpan.FromMinutes(3));
    }
}

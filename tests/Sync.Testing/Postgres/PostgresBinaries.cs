using System.Globalization;
using Sync.Testing.Processes;

namespace Sync.Testing.Postgres;

/// <summary>The machine's own Postgres programs.</summary>
internal static class PostgresBinaries
{
    private static readonly Lazy<string> Folder = new(Find);

    internal static string Full(string program) => Path.Combine(Folder.Value, program);

    /// <summary>Debian keeps versions side by side: the newest; else whatever folder on PATH has initdb.</summary>
    private static string Find()
    {
        const string debian = "/usr/lib/postgresql";
        string? newest = (Directory.Exists(debian) ? Directory.GetDirectories(debian) : [])
            .Where(version => File.Exists(Path.Combine(version, "bin", "initdb")))
            .MaxBy(version => int.TryParse(
                Path.GetFileName(version), CultureInfo.InvariantCulture, out int major) ? major : 0);
        if (newest is not null)
        {
            return Path.Combine(newest, "bin");
        }

        return ChildLauncher.FindOnPath("initdb") is { } initdb
            ? Path.GetDirectoryName(initdb)!
            : throw new InvalidOperationException(
                "No Postgres on this machine: neither /usr/lib/postgresql/*/bin/initdb nor initdb on PATH. "
                + "Install it (Debian: apt-get install postgresql-15; infra/dev/test does) or name a server with "
                + $"{PostgresServer.EnvironmentVariable}.");
    }
}

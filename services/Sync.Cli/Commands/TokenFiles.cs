using System.CommandLine;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary>Tokens in files that only their owner can read.</summary>
internal static class TokenFiles
{
    public static Option<string?> Out(string description) => new("--out") { Description = description };

    public static void RefuseTaken(string path)
    {
        if (File.Exists(path) || Directory.Exists(path))
            throw new SyncException(SyncErrorCode.Invalid, $"{path} is there already; name a file that is not");
    }

    public static void Write(string path, string token)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(path, options);
        file.WriteLine(token);
    }
}

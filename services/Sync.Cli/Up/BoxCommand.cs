namespace Sync.Cli.Up;

/// <summary>How this very program is called again, for lines to copy.</summary>
internal static class BoxCommand
{
    /// <summary>A wrapper that calls us names itself in <c>SYNC_COMMAND</c>.</summary>
    public static string Name => Environment.GetEnvironmentVariable("SYNC_COMMAND") is { Length: > 0 } wrapper
        ? wrapper
        : Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "sync"
            ? Short(Environment.ProcessPath!)
            : "dotnet " + Short(Path.Combine(AppContext.BaseDirectory, "sync.dll"));

    private static string Short(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : Path.Combine(".", relative);
    }
}

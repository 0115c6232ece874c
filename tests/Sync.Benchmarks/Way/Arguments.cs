using System.Globalization;

namespace Sync.Benchmarks.Way;

/// <summary>Options of a command: <c>--name value</c>.</summary>
internal static class Arguments
{
    public static string? Text(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }

    public static string Required(string[] args, string name) =>
        Text(args, name) ?? throw new ArgumentException($"{name} is missing", nameof(args));

    public static int Number(string[] args, string name, int otherwise) =>
        Text(args, name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}

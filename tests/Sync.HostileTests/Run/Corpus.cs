using Sync.Testing;

namespace Sync.HostileTests.Run;

/// <summary>The kept inputs: <c>corpus/TARGET/*.hex</c>, one input in hexadecimal digits a line; <c>#</c> begins a comment.
/// A finding has a file of its own; what reached new answers is in <c>grown.hex</c>.</summary>
internal static class Corpus
{
    public const string GrownFile = "grown.hex";

    public static string FolderOf(string target) => RepoRoot.Combine($"tests/Sync.HostileTests/corpus/{target}");

    /// <summary>The kept inputs of a target, in a fixed order.</summary>
    public static IReadOnlyList<byte[]> Kept(string target) => Directory.Exists(FolderOf(target))
        ? [.. Directory.GetFiles(FolderOf(target), "*.hex").Order(StringComparer.Ordinal).SelectMany(ReadFile)]
        : [];

    /// <summary>All that damage starts from.</summary>
    public static IReadOnlyList<byte[]> Of(Target target) =>
        [.. target.Seeds().Concat(Kept(target.Name)).DistinctBy(Convert.ToHexStringLower, StringComparer.Ordinal)];

    /// <summary>Adds inputs to the grown ones.</summary>
    public static void Add(string target, IEnumerable<byte[]> inputs)
    {
        var known = Kept(target).Select(Convert.ToHexStringLower).ToHashSet(StringComparer.Ordinal);
        Directory.CreateDirectory(FolderOf(target));
        File.AppendAllLines(
            Path.Combine(FolderOf(target), GrownFile),
            inputs.Select(Convert.ToHexStringLower).Where(hex => hex.Length > 0 && known.Add(hex)));
    }

    private static IEnumerable<byte[]> ReadFile(string path) => File.ReadLines(path)
        .Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0).Select(Convert.FromHexString);
}

using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;

namespace Sync.HostileTests.Mutation;

/// <summary>An input that damage starts from, with the places of the values in it.</summary>
internal sealed class Entry(byte[] bytes, Flavor flavor)
{
    private const int PartsMax = 256;

    private (int Start, int End)[]? _parts;

    public byte[] Bytes => bytes;

    /// <summary>Where values start and end: of MessagePack, each value; of text, each run of letters or digits.</summary>
    public (int Start, int End)[] Parts => _parts ??= flavor == Flavor.Packed ? Packed() : Text();

    private (int Start, int End)[] Packed()
    {
        var parts = new List<(int, int)>();
        NaivePack.Find(bytes, parts, PartsMax);
        return [.. parts];
    }

    private (int Start, int End)[] Text()
    {
        var parts = new List<(int, int)>();
        for (var at = 0; at < bytes.Length && parts.Count < PartsMax; at++)
        {
            var start = at;
            while (at < bytes.Length && (char.IsAsciiLetterOrDigit((char)bytes[at]) || bytes[at] == '_')) at++;
            if (at > start) parts.Add((start, at));
        }
        return [.. parts];
    }
}

using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;
using Sync.Tests.MessagePack;

namespace Sync.HostileTests.Targets;

/// <summary>A message in MessagePack. What is taken is sound to a second reading, and is written as it was read.</summary>
internal class MessageTarget(string message) : Target
{
    /// <summary>Levels of a message above a value in it: a list of vaults, an item, its answer, a list of
    /// envelopes, an envelope.</summary>
    public const int LevelsMax = 5;

    public override string Name => message;

    public override Flavor Flavor => Flavor.Packed;

    // Pages keep their values in blocks.
    public override long AllocatedBase => 96 << 10;

    public override byte[][] Words { get; } =
        [.. Vectors.Of(message).Take(24).SelectMany(bytes => Pieces(bytes)).Take(200)];

    public override IEnumerable<byte[]> Seeds() => Vectors.Of(message);

    public override string? Read(ReadOnlySpan<byte> input) => Codecs.Decode(message, input);

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        var node = NaivePack.Read(input, checksText: false, NaivePack.DepthMax + LevelsMax);
        Hold(node is not null, "it took what is not one value");
        Hold(node!.Kind is Kind.Map or Kind.List, "it took what is neither a map nor a list");
        Hold(node.Kind == Kind.List || HasPlainKeys(node), "it took a map with a key twice, or one that is no text");
        Compare(node, input);
        var written = Codecs.EncodeAgain(message, input.ToArray());
        Hold(Codecs.Decode(message, written) is null, "it does not take what it writes");
        Hold(Codecs.EncodeAgain(message, written).AsSpan().SequenceEqual(written), "it does not write as it was read");
    }

    /// <summary>Holds the fields of the message against a second reading.</summary>
    protected virtual void Compare(Node node, ReadOnlySpan<byte> input)
    {
    }

    private static bool HasPlainKeys(Node map)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < map.Items.Count; index += 2)
            if (map.Items[index].Kind != Kind.Text || !NaiveUtf8.IsValid(map.Items[index].Bytes) || !seen.Add(map.Items[index].Identity))
                return false;
        return true;
    }

    private static IEnumerable<byte[]> Pieces(byte[] bytes)
    {
        var parts = new List<(int Start, int End)>();
        NaivePack.Find(bytes, parts, 64);
        return parts.Where(part => part.End - part.Start <= 40).Select(part => bytes[part.Start..part.End]);
    }
}

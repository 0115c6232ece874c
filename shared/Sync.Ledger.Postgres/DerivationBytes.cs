using System.Buffers.Binary;
using System.Text;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>A derivation as bytes: <c>[u16 length][rule][u16 length][version]</c> in UTF-8, then 16 bytes for each
/// source fact; numbers and ids big-endian.</summary>
internal static class DerivationBytes
{
    internal static byte[] Write(Derivation derivation)
    {
        var rule = Encoding.UTF8.GetBytes(derivation.Rule);
        var version = Encoding.UTF8.GetBytes(derivation.Version);
        var bytes = new byte[2 + rule.Length + 2 + version.Length + (derivation.Sources.Count * FactId.Size)];
        var rest = WriteText(WriteText(bytes, rule), version);
        foreach (var source in derivation.Sources)
        {
            source.CopyTo(rest);
            rest = rest[FactId.Size..];
        }
        return bytes;
    }

    internal static Derivation Read(ReadOnlySpan<byte> bytes)
    {
        var rule = ReadText(ref bytes);
        var version = ReadText(ref bytes);
        if (bytes.Length % FactId.Size != 0) throw Broken();
        var sources = new FactId[bytes.Length / FactId.Size];
        for (var index = 0; index < sources.Length; index++)
            sources[index] = FactId.FromBytes(bytes.Slice(index * FactId.Size, FactId.Size));
        return new Derivation(rule, version, sources);
    }

    private static Span<byte> WriteText(Span<byte> destination, byte[] text)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, checked((ushort)text.Length));
        text.CopyTo(destination[2..]);
        return destination[(2 + text.Length)..];
    }

    private static string ReadText(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(bytes) is var length && bytes.Length - 2 < length) throw Broken();
        var text = Encoding.UTF8.GetString(bytes.Slice(2, length));
        bytes = bytes[(2 + length)..];
        return text;
    }

    private static SyncException Broken() => new(SyncErrorCode.Corrupt, "A stored derivation cannot be read.");
}

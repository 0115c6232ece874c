using System.Buffers;
using System.Text;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The hash chain of a feed (docs/PROTOCOL.md, Chain): what makes a rewritten fact show.</summary>
public static class FactChain
{
    private const int FieldCount = 16;
    private const int StackBytesMax = 1024;

    // Headers, numbers, ids, hashes and times at their largest; texts and sources come on top.
    private const int FixedBytesMax = 320;

    /// <summary>What the first fact of a feed follows: 32 zero bytes.</summary>
    public static Hash256 Start => default;

    /// <summary><c>SHA-256(previous ‖ MessagePack array of the fact's fields)</c>. Reads neither <see cref="Fact.Chain"/> nor
    /// <see cref="Fact.After"/> nor <see cref="Fact.Epoch"/>; takes <see cref="Fact.ValueHash"/> as it is. Allocates nothing
    /// (facts with long texts or many sources use pooled memory).</summary>
    /// <param name="previous">The chain of the position before; <see cref="Start"/> for the first.</param>
    /// <param name="fact">The fact.</param>
    public static Hash256 Next(Hash256 previous, Fact fact)
    {
        var size = Hash256.Size + FixedBytesMax + TextBytesMax(fact);
        byte[]? rented = null;
        var buffer = size <= StackBytesMax ? stackalloc byte[StackBytesMax] : rented = ArrayPool<byte>.Shared.Rent(size);
        previous.CopyTo(buffer);
        var written = Hash256.Size + Write(fact, buffer[Hash256.Size..]);
        var hash = Hash256.Of(buffer[..written]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return hash;
    }

    /// <summary>The array that is hashed, for tests and documentation.</summary>
    internal static byte[] Fields(Fact fact)
    {
        var buffer = new byte[FixedBytesMax + TextBytesMax(fact)];
        return buffer[..Write(fact, buffer)];
    }

    private static int Write(Fact fact, Span<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteArrayHeader(FieldCount);
        writer.WriteFactId(fact.Id);
        writer.WriteString(fact.Key.Vault);
        writer.WriteString(fact.Key.Collection);
        writer.WriteString(fact.Key.Key);
        writer.WriteInteger(fact.Sequence.Value);
        writer.WriteString(EnvelopeFields.OpText(fact.Op));
        writer.WriteHash(fact.ValueHash);
        writer.WriteStringOrNil(fact.SchemaVersion.Text);
        FactFields.WriteFactIdOrNil(ref writer, fact.Causation);
        writer.WriteTimestamp(fact.TransactionTime);
        FactFields.WriteTimestampOrNil(ref writer, fact.ValidTime);
        FactFields.WriteProducer(ref writer, fact.Producer);
        FactFields.WriteDerivation(ref writer, fact.Derivation);
        writer.WriteStringOrNil(fact.IdempotencyKey);
        writer.WriteInteger(fact.Feed.Value);
        writer.WriteInteger(fact.Position.Value);
        return writer.Pending;
    }

    private static int TextBytesMax(Fact fact)
    {
        var bytes = Bytes(fact.Key.Vault) + Bytes(fact.Key.Collection) + Bytes(fact.Key.Key) + Bytes(fact.SchemaVersion.Text)
            + Bytes(fact.Producer.Type) + Bytes(fact.Producer.Name) + Bytes(fact.IdempotencyKey);
        if (fact.Derivation is { } derivation)
            bytes += Bytes(derivation.Rule) + Bytes(derivation.Version)
                + derivation.Sources.Count * MsgPackSize.OfBinary(FactId.Size);
        return bytes;
    }

    private static int Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}

using System.Buffers;
using Sync.Contracts;
using F = Sync.MessagePack.FactFields;

namespace Sync.MessagePack;

/// <summary>Fact records: what a history reply holds, and a file ledger's frame (docs/PROTOCOL.md, Requests and replies).</summary>
public static class FactCodec
{
    private static readonly TextCache Texts = new();

    /// <summary>Writes one fact.</summary>
    public static void Encode(Fact fact, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        Write(ref writer, fact);
        writer.Flush();
    }

    /// <summary>Reads one fact. Never throws for bad input; the result owns its memory.</summary>
    public static ParseResult<Fact> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        var fact = FactReader.Read(ref reader, Texts, out var where);
        return fact is not null && reader.TryEnd()
            ? ParseResult<Fact>.Ok(fact)
            : ParseResult<Fact>.Err(where.Describe(reader.Error));
    }

    internal static void Write(ref MsgPackWriter writer, Fact fact)
    {
        writer.WriteMapHeader(F.Names.Count);
        writer.WriteString(F.Names[F.Id]);
        writer.WriteFactId(fact.Id);
        WriteText(ref writer, F.Vault, fact.Key.Vault);
        WriteText(ref writer, F.Collection, fact.Key.Collection);
        WriteText(ref writer, F.Key, fact.Key.Key);
        WriteInteger(ref writer, F.Sequence, fact.Sequence.Value);
        WriteText(ref writer, F.Op, EnvelopeFields.OpText(fact.Op));
        writer.WriteString(F.Names[F.Value]);
        writer.WriteRaw(fact.Value.IsEmpty ? EnvelopeFields.NilValue.Span : fact.Value.Span);
        writer.WriteString(F.Names[F.Hash]);
        writer.WriteHash(fact.ValueHash);
        WriteText(ref writer, F.SchemaVersion, fact.SchemaVersion.Text);
        writer.WriteString(F.Names[F.Causation]);
        F.WriteFactIdOrNil(ref writer, fact.Causation);
        writer.WriteString(F.Names[F.TransactionTime]);
        writer.WriteTimestamp(fact.TransactionTime);
        writer.WriteString(F.Names[F.ValidTime]);
        F.WriteTimestampOrNil(ref writer, fact.ValidTime);
        writer.WriteString(F.Names[F.Producer]);
        F.WriteProducer(ref writer, fact.Producer);
        writer.WriteString(F.Names[F.Derivation]);
        F.WriteDerivation(ref writer, fact.Derivation);
        WriteText(ref writer, F.IdempotencyKey, fact.IdempotencyKey);
        WriteInteger(ref writer, F.Feed, fact.Feed.Value);
        WriteInteger(ref writer, F.Position, fact.Position.Value);
        WriteInteger(ref writer, F.After, fact.After.Value);
        WriteInteger(ref writer, F.Epoch, fact.Epoch.Value);
        writer.WriteString(F.Names[F.Chain]);
        writer.WriteHash(fact.Chain);
    }

    private static void WriteInteger(ref MsgPackWriter writer, int field, long value)
    {
        writer.WriteString(F.Names[field]);
        writer.WriteInteger(value);
    }

    private static void WriteText(ref MsgPackWriter writer, int field, string? text)
    {
        writer.WriteString(F.Names[field]);
        writer.WriteStringOrNil(text);
    }
}

using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>Writes an envelope's map. What an envelope does not carry is left out.</summary>
internal static class EnvelopeWriter
{
    /// <summary>Exactly the bytes that <see cref="Write"/> writes.</summary>
    public static int Size(Envelope envelope)
    {
        var size = MsgPackSize.OfHeader(Count(envelope))
            + F.SizeOfName(F.Value) + ValueOf(envelope).Length
            + F.SizeOfName(F.SchemaVersion) + (envelope.SchemaVersion.Text is { } version ? MsgPackSize.OfString(version) : 1)
            + F.SizeOfInteger(F.Sequence, envelope.Sequence.Value)
            + F.SizeOfText(F.Vault, envelope.Key.Vault)
            + F.SizeOfText(F.Collection, envelope.Key.Collection)
            + F.SizeOfText(F.Key, envelope.Key.Key)
            + F.SizeOfText(F.Producer, envelope.Producer);
        if (envelope.Op != ChangeOp.Put) size += F.SizeOfText(F.Op, F.OpText(envelope.Op).Length);
        if (envelope.Id.Value != Guid.Empty) size += F.SizeOfName(F.Id) + MsgPackSize.OfBinary(FactId.Size);
        if (F.HasPlace(envelope))
            size += F.SizeOfInteger(F.Feed, envelope.Feed.Value) + F.SizeOfInteger(F.Position, envelope.Position.Value)
                + F.SizeOfInteger(F.History, envelope.History.Value) + F.SizeOfInteger(F.After, envelope.After.Value);
        if (!envelope.Hash.IsZero) size += F.SizeOfName(F.Hash) + MsgPackSize.OfBinary(Hash256.Size);
        if (envelope.Time.UnixMicroseconds != 0) size += F.SizeOfName(F.Time) + MsgPackSize.OfTimestamp(envelope.Time);
        return size;
    }

    public static void Write(ref MsgPackWriter writer, Envelope envelope)
    {
        writer.WriteMapHeader(Count(envelope));
        writer.WriteString(F.Names[F.Value]);
        writer.WriteRaw(ValueOf(envelope));
        writer.WriteString(F.Names[F.SchemaVersion]);
        writer.WriteStringOrNil(envelope.SchemaVersion.Text);
        WriteInteger(ref writer, F.Sequence, envelope.Sequence.Value);
        WriteText(ref writer, F.Vault, envelope.Key.Vault);
        WriteText(ref writer, F.Collection, envelope.Key.Collection);
        WriteText(ref writer, F.Key, envelope.Key.Key);
        if (envelope.Op != ChangeOp.Put) WriteText(ref writer, F.Op, F.OpText(envelope.Op));
        if (envelope.Id.Value != Guid.Empty)
        {
            writer.WriteString(F.Names[F.Id]);
            writer.WriteFactId(envelope.Id);
        }
        var hasPlace = F.HasPlace(envelope);
        if (hasPlace)
        {
            WriteInteger(ref writer, F.Feed, envelope.Feed.Value);
            WriteInteger(ref writer, F.Position, envelope.Position.Value);
            WriteInteger(ref writer, F.History, envelope.History.Value);
        }
        if (!envelope.Hash.IsZero)
        {
            writer.WriteString(F.Names[F.Hash]);
            writer.WriteHash(envelope.Hash);
        }
        if (hasPlace) WriteInteger(ref writer, F.After, envelope.After.Value);
        if (envelope.Time.UnixMicroseconds != 0)
        {
            writer.WriteString(F.Names[F.Time]);
            writer.WriteTimestamp(envelope.Time);
        }
        WriteText(ref writer, F.Producer, envelope.Producer);
    }

    private static int Count(Envelope envelope) => 3
        + (envelope.Key.Vault is null ? 0 : 1)
        + (envelope.Key.Collection is null ? 0 : 1)
        + (envelope.Key.Key is null ? 0 : 1)
        + (envelope.Op == ChangeOp.Put ? 0 : 1)
        + (envelope.Id.Value == Guid.Empty ? 0 : 1)
        + (F.HasPlace(envelope) ? 4 : 0)
        + (envelope.Hash.IsZero ? 0 : 1)
        + (envelope.Time.UnixMicroseconds == 0 ? 0 : 1)
        + (envelope.Producer is null ? 0 : 1);

    private static ReadOnlySpan<byte> ValueOf(Envelope envelope) =>
        envelope.Value.IsEmpty ? F.NilValue.Span : envelope.Value.Span;

    private static void WriteInteger(ref MsgPackWriter writer, int field, long value)
    {
        writer.WriteString(F.Names[field]);
        writer.WriteInteger(value);
    }

    private static void WriteText(ref MsgPackWriter writer, int field, string? text)
    {
        if (text is null) return;
        writer.WriteString(F.Names[field]);
        writer.WriteString(text);
    }
}

using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The map of a receipt.</summary>
internal static class ReceiptFields
{
    private const int Id = 0, Vault = 1, Collection = 2, Key = 3, Sequence = 4, Feed = 5, History = 6, Position = 7, Time = 8,
        Hash = 9, Causation = 10;

    private const int RequiredCount = 10;

    private static readonly FieldNames Names = new("receipt", "fact_id", "vault", "collection", "key", "sequence", "feed",
        "history", "position", "transaction_time", "value_hash", "causation");

    public static void Write(ref MsgPackWriter writer, Receipt receipt)
    {
        writer.WriteMapHeader(Names.Count);
        writer.WriteString(Names[Id]);
        writer.WriteFactId(receipt.FactId);
        writer.WriteString(Names[Vault]);
        writer.WriteString(receipt.Key.Vault);
        writer.WriteString(Names[Collection]);
        writer.WriteString(receipt.Key.Collection);
        writer.WriteString(Names[Key]);
        writer.WriteString(receipt.Key.Key);
        writer.WriteString(Names[Sequence]);
        writer.WriteInteger(receipt.Sequence.Value);
        writer.WriteString(Names[Feed]);
        writer.WriteInteger(receipt.Feed.Value);
        writer.WriteString(Names[History]);
        writer.WriteInteger(receipt.History.Value);
        writer.WriteString(Names[Position]);
        writer.WriteInteger(receipt.Position.Value);
        writer.WriteString(Names[Time]);
        writer.WriteTimestamp(receipt.TransactionTime);
        writer.WriteString(Names[Hash]);
        writer.WriteHash(receipt.ValueHash);
        writer.WriteString(Names[Causation]);
        if (receipt.Causation is { } causation) writer.WriteFactId(causation);
        else writer.WriteNil();
    }

    public static Receipt? Read(ref MsgPackReader reader, out MapCursor map)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out map)) return null;
        ReadOnlySpan<byte> id = default, hash = default, causation = default;
        string vault = "", collection = "", key = "";
        long sequence = 0, feed = 0, history = 0, position = 0;
        Timestamp time = default;
        while (map.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Id => reader.TryReadBinary(FactId.Size, out id),
                Vault => reader.TryReadString(out vault),
                Collection => reader.TryReadString(out collection),
                Key => reader.TryReadString(out key),
                Sequence => reader.TryReadInt64(0, long.MaxValue, out sequence),
                Feed => reader.TryReadInt64(0, int.MaxValue, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Time => reader.TryReadTimestamp(out time),
                Hash => reader.TryReadBinary(Hash256.Size, out hash),
                _ => reader.TrySkipNil() || reader.TryReadBinary(FactId.Size, out causation),
            };
            if (!ok) return null;
        }
        for (var field = 0; field < RequiredCount && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        if (!reader.Error.IsNone) return null;
        return new Receipt
        {
            FactId = FactId.FromBytes(id),
            Key = new(vault, collection, key),
            Sequence = new(sequence),
            Feed = new((int)feed),
            History = new(history),
            Position = new(position),
            TransactionTime = time,
            ValueHash = new(hash),
            Causation = causation.IsEmpty ? null : FactId.FromBytes(causation),
        };
    }
}

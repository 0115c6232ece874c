using Sync.Contracts;
using F = Sync.MessagePack.FactFields;

namespace Sync.MessagePack;

/// <summary>Reads a fact record, alone or inside another message.</summary>
internal static class FactReader
{
    private ref struct Parts
    {
        public ReadOnlySpan<byte> Id, Value, Hash, Causation, Chain;
        public string Vault, Collection, Key;
        public string? SchemaVersion, IdempotencyKey;
        public long Sequence, Feed, Position, After, Epoch;
        public ChangeOp Op;
        public Timestamp TransactionTime;
        public Timestamp? ValidTime;
        public Producer Producer;
        public Derivation? Derivation;
    }

    public static Fact? Read(ref MsgPackReader reader, TextCache texts, out MapCursor where)
    {
        if (!MapCursor.TryBegin(ref reader, F.Names, out where)) return null;
        Parts parts = default;
        while (where.TryNext(ref reader, out var field))
            if (!TryReadField(ref reader, field, texts, ref parts)) return null;
        for (var field = 0; field < F.Names.Count && reader.Error.IsNone; field++)
            if (!F.IsOptional(field)) where.TryRequire(ref reader, field);
        return reader.Error.IsNone ? Make(parts) : null;
    }

    private static bool TryReadField(ref MsgPackReader reader, int field, TextCache texts, ref Parts parts)
    {
        if ((F.IsOptional(field) || field == F.SchemaVersion) && reader.TrySkipNil()) return true;
        switch (field)
        {
            case F.Id: return reader.TryReadBinary(FactId.Size, out parts.Id);
            case F.Vault: return TryReadText(ref reader, texts, out parts.Vault!);
            case F.Collection: return TryReadText(ref reader, texts, out parts.Collection!);
            case F.Key: return reader.TryReadString(out parts.Key);
            case F.Sequence: return reader.TryReadInt64(0, long.MaxValue, out parts.Sequence);
            case F.Op: return EnvelopeFields.TryReadOp(ref reader, out parts.Op);
            case F.Value: return reader.TryReadRaw(out parts.Value);
            case F.Hash: return reader.TryReadBinary(Hash256.Size, out parts.Hash);
            case F.SchemaVersion: return TryReadText(ref reader, texts, out parts.SchemaVersion);
            case F.Causation: return reader.TryReadBinary(FactId.Size, out parts.Causation);
            case F.TransactionTime: return reader.TryReadTimestamp(out parts.TransactionTime);
            case F.ValidTime:
                var isTime = reader.TryReadTimestamp(out var time);
                parts.ValidTime = time;
                return isTime;
            case F.Producer: return F.TryReadProducer(ref reader, out parts.Producer);
            case F.Derivation: return F.TryReadDerivation(ref reader, out parts.Derivation);
            case F.IdempotencyKey:
                var isKey = reader.TryReadString(out var key);
                parts.IdempotencyKey = key;
                return isKey;
            case F.Feed: return reader.TryReadInt64(0, int.MaxValue, out parts.Feed);
            case F.Position: return reader.TryReadInt64(0, long.MaxValue, out parts.Position);
            case F.After: return reader.TryReadInt64(0, long.MaxValue, out parts.After);
            case F.Epoch: return reader.TryReadInt64(0, long.MaxValue, out parts.Epoch);
            default: return reader.TryReadBinary(Hash256.Size, out parts.Chain);
        }
    }

    private static Fact Make(in Parts parts) => new()
    {
        Id = FactId.FromBytes(parts.Id),
        Key = new(parts.Vault, parts.Collection, parts.Key),
        Sequence = new(parts.Sequence),
        Op = parts.Op,
        Value = parts.Value is [0xc0] ? EnvelopeFields.NilValue : parts.Value.ToArray(),
        ValueHash = new(parts.Hash),
        SchemaVersion = new(parts.SchemaVersion),
        Causation = parts.Causation.IsEmpty ? null : FactId.FromBytes(parts.Causation),
        TransactionTime = parts.TransactionTime,
        ValidTime = parts.ValidTime,
        Producer = parts.Producer,
        Derivation = parts.Derivation,
        IdempotencyKey = parts.IdempotencyKey,
        Feed = new((int)parts.Feed),
        Position = new(parts.Position),
        After = new(parts.After),
        Epoch = new(parts.Epoch),
        Chain = new(parts.Chain),
    };

    private static bool TryReadText(ref MsgPackReader reader, TextCache texts, out string? text)
    {
        var isText = reader.TryReadString(texts, out var read);
        text = read;
        return isText;
    }
}

using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>Reads an envelope's map, alone or inside another message.</summary>
internal static class EnvelopeReader
{
    private ref struct Parts
    {
        public ReadOnlySpan<byte> Value, Hash, Id;
        public string? SchemaVersion, Vault, Collection, Key, Producer;
        public long Sequence, Feed, Position, History, After;
        public ChangeOp Op;
        public Timestamp Time;
    }

    /// <summary>Reads one envelope.</summary>
    /// <param name="reader">At the map.</param>
    /// <param name="subscribed">Its strings are taken where the bytes equal them; parts may be null.</param>
    /// <param name="texts">For the other strings that repeat.</param>
    /// <param name="where">On an error: the message and field.</param>
    /// <param name="values">Where the value is kept; null = in an array of its own.</param>
    /// <returns>Null on an error, which is the reader's.</returns>
    public static Envelope? Read(
        ref MsgPackReader reader, SyncedKey subscribed, TextCache texts, out MapCursor where, ValueBlocks? values = null)
    {
        if (!MapCursor.TryBegin(ref reader, F.Names, out where)) return null;
        Parts parts = default;
        while (where.TryNext(ref reader, out var field))
            if (!TryReadField(ref reader, field, subscribed, texts, ref parts)) return null;
        if (!reader.Error.IsNone || !where.TryRequire(ref reader, F.Value) || !where.TryRequire(ref reader, F.Sequence)) return null;
        return Make(parts, parts.Value is [0xc0] ? F.NilValue
            : values is null ? parts.Value.ToArray()
            : values.Keep(parts.Value, reader.Bytes.Length - reader.Offset));
    }

    private static bool TryReadField(
        ref MsgPackReader reader, int field, in SyncedKey subscribed, TextCache texts, ref Parts parts)
    {
        switch (field)
        {
            case F.Value: return reader.TryReadRaw(out parts.Value);
            case F.SchemaVersion:
                return reader.TrySkipNil() || TryReadText(ref reader, null, texts, out parts.SchemaVersion);
            case F.Sequence: return reader.TryReadInt64(0, long.MaxValue, out parts.Sequence);
            case F.Vault: return TryReadText(ref reader, subscribed.Vault, texts, out parts.Vault);
            case F.Collection: return TryReadText(ref reader, subscribed.Collection, texts, out parts.Collection);
            case F.Key: return TryReadText(ref reader, subscribed.Key, null, out parts.Key);
            case F.Op: return F.TryReadOp(ref reader, out parts.Op);
            case F.Id: return reader.TryReadBinary(FactId.Size, out parts.Id);
            case F.Feed: return reader.TryReadInt64(0, int.MaxValue, out parts.Feed);
            case F.Position: return reader.TryReadInt64(0, long.MaxValue, out parts.Position);
            case F.History: return reader.TryReadInt64(0, long.MaxValue, out parts.History);
            case F.Hash: return reader.TryReadBinary(Hash256.Size, out parts.Hash);
            case F.After: return reader.TryReadInt64(0, long.MaxValue, out parts.After);
            case F.Time: return reader.TryReadTimestamp(out parts.Time);
            default: return TryReadText(ref reader, null, texts, out parts.Producer);
        }
    }

    private static Envelope Make(in Parts parts, ReadOnlyMemory<byte> value) => new()
    {
        Key = new SyncedKey(parts.Vault!, parts.Collection!, parts.Key!),
        Value = value,
        SchemaVersion = new SchemaVersion(parts.SchemaVersion),
        Sequence = new Sequence(parts.Sequence),
        Op = parts.Op,
        Id = parts.Id.IsEmpty ? default : FactId.FromBytes(parts.Id),
        Feed = new FeedId((int)parts.Feed),
        Position = new Position(parts.Position),
        History = new HistoryId(parts.History),
        Hash = parts.Hash.IsEmpty ? default : new Hash256(parts.Hash),
        After = new Position(parts.After),
        Time = parts.Time,
        Producer = parts.Producer,
    };

    private static bool TryReadText(ref MsgPackReader reader, string? likely, TextCache? texts, out string? text)
    {
        text = likely;
        var start = reader.Offset;
        if (!reader.TryReadUncheckedString(out var utf8)) return false;
        if (likely is not null && TextCache.Equal(utf8, likely)) return true;
        var isValid = texts is null ? TextCache.TryMake(utf8, out text) : texts.TryGet(utf8, out text);
        return isValid || reader.FailAt("invalid UTF-8", start);
    }
}

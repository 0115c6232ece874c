using System.Text;
using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>Reads an envelope's map, alone or inside another message.</summary>
internal static class EnvelopeReader
{
    // What the fields were, as slices of the input: nothing is allocated before all of them are known to be sound.
    private ref struct Parts
    {
        public ReadOnlySpan<byte> Value, SchemaVersion, Vault, Collection, Key, Hash, Id, Producer;
        public bool HasVersion;
        public long Sequence, Feed, Position, History, After;
        public ChangeOp Op;
        public Timestamp Time;
    }

    /// <summary>Reads one envelope.</summary>
    /// <param name="reader">At the map.</param>
    /// <param name="subscribed">Its strings are taken where the bytes equal them; parts may be null.</param>
    /// <param name="texts">For the other strings that repeat.</param>
    /// <param name="where">On an error: the message and field.</param>
    /// <returns>Null on an error, which is the reader's.</returns>
    public static Envelope? Read(ref MsgPackReader reader, SyncedKey subscribed, TextCache texts, out MapCursor where)
    {
        if (!MapCursor.TryBegin(ref reader, F.Names, out where)) return null;
        Parts parts = default;
        while (where.TryNext(ref reader, out var field))
            if (!TryReadField(ref reader, field, ref parts)) return null;
        if (!reader.Error.IsNone || !where.TryRequire(ref reader, F.Value) || !where.TryRequire(ref reader, F.Sequence)) return null;
        return Make(parts, where, subscribed, texts);
    }

    private static bool TryReadField(ref MsgPackReader reader, int field, ref Parts parts)
    {
        switch (field)
        {
            case F.Value: return reader.TryReadRaw(out parts.Value);
            case F.SchemaVersion:
                if (reader.TrySkipNil()) return true;
                parts.HasVersion = true;
                return reader.TryReadStringBytes(out parts.SchemaVersion);
            case F.Sequence: return reader.TryReadInt64(0, long.MaxValue, out parts.Sequence);
            case F.Vault: return reader.TryReadStringBytes(out parts.Vault);
            case F.Collection: return reader.TryReadStringBytes(out parts.Collection);
            case F.Key: return reader.TryReadStringBytes(out parts.Key);
            case F.Op: return F.TryReadOp(ref reader, out parts.Op);
            case F.Id: return reader.TryReadBinary(FactId.Size, out parts.Id);
            case F.Feed: return reader.TryReadInt64(0, int.MaxValue, out parts.Feed);
            case F.Position: return reader.TryReadInt64(0, long.MaxValue, out parts.Position);
            case F.History: return reader.TryReadInt64(0, long.MaxValue, out parts.History);
            case F.Hash: return reader.TryReadBinary(Hash256.Size, out parts.Hash);
            case F.After: return reader.TryReadInt64(0, long.MaxValue, out parts.After);
            case F.Time: return reader.TryReadTimestamp(out parts.Time);
            default: return reader.TryReadStringBytes(out parts.Producer);
        }
    }

    private static Envelope Make(in Parts parts, in MapCursor seen, SyncedKey subscribed, TextCache texts) => new()
    {
        Key = new SyncedKey(
            seen.Has(F.Vault) ? Text(parts.Vault, subscribed.Vault, texts) : null!,
            seen.Has(F.Collection) ? Text(parts.Collection, subscribed.Collection, texts) : null!,
            seen.Has(F.Key) ? Text(parts.Key, subscribed.Key, null) : null!),
        Value = parts.Value is [0xc0] ? F.NilValue : parts.Value.ToArray(),
        SchemaVersion = new SchemaVersion(parts.HasVersion ? texts.Get(parts.SchemaVersion) : null),
        Sequence = new Sequence(parts.Sequence),
        Op = parts.Op,
        Id = seen.Has(F.Id) ? FactId.FromBytes(parts.Id) : default,
        Feed = new FeedId((int)parts.Feed),
        Position = new Position(parts.Position),
        History = new HistoryId(parts.History),
        Hash = seen.Has(F.Hash) ? new Hash256(parts.Hash) : default,
        After = new Position(parts.After),
        Time = parts.Time,
        Producer = seen.Has(F.Producer) ? texts.Get(parts.Producer) : null,
    };

    private static string Text(ReadOnlySpan<byte> utf8, string? likely, TextCache? texts)
    {
        if (likely is not null && TextCache.Equal(utf8, likely)) return likely;
        return texts is null ? Encoding.UTF8.GetString(utf8) : texts.Get(utf8);
    }
}

using System.Buffers;
using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Beats as MessagePack (docs/PROTOCOL.md, Beats).</summary>
public static class BeatCodec
{
    private const int Feed = 0, History = 1, Epoch = 2, Prev = 3, Position = 4, Time = 5, Keys = 6, Collections = 7;
    private const int KeySize = 8;

    private static readonly FieldNames Names =
        new("beat", "feed", "history", "epoch", "prev", "position", "time", "keys", "collections");

    private static readonly TextCache Texts = new();

    /// <summary>Writes one beat.</summary>
    /// <param name="beat">Keys in ascending order.</param>
    /// <param name="destination">Receives the bytes.</param>
    /// <exception cref="ArgumentException">Too many keys or collections, keys out of order, or a place outside
    /// <see cref="Beat.Prev"/> to <see cref="Beat.Position"/>: nobody would take it.</exception>
    public static void Encode(Beat beat, IBufferWriter<byte> destination)
    {
        if (Check(beat) is { } wrong) throw new ArgumentException(wrong, nameof(beat));
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(Names.Count);
        WriteInteger(ref writer, Feed, beat.Feed.Value);
        WriteInteger(ref writer, History, beat.History.Value);
        WriteInteger(ref writer, Epoch, beat.Epoch.Value);
        WriteInteger(ref writer, Prev, beat.Prev.Value);
        WriteInteger(ref writer, Position, beat.Position.Value);
        writer.WriteString(Names[Time]);
        writer.WriteTimestamp(beat.Time);
        writer.WriteString(Names[Keys]);
        WriteKeys(ref writer, beat.Keys);
        writer.WriteString(Names[Collections]);
        writer.WriteArrayHeader(beat.Collections.Count);
        foreach (var collection in beat.Collections)
        {
            writer.WriteArrayHeader(3);
            writer.WriteString(collection.Vault);
            writer.WriteString(collection.Collection);
            writer.WriteInteger(collection.Last.Value);
        }
        writer.Flush();
    }

    /// <summary>Reads one beat. Never throws for bad input.</summary>
    public static ParseResult<Beat> Decode(ReadOnlySpan<byte> bytes) => Decode(bytes, Texts);

    internal static ParseResult<Beat> Decode(ReadOnlySpan<byte> bytes, TextCache texts)
    {
        var reader = new MsgPackReader(bytes);
        var beat = Read(ref reader, texts, out var where);
        if (beat is null || !reader.TryEnd()) return ParseResult<Beat>.Err(where.Describe(reader.Error));
        return Check(beat) is { } wrong ? ParseResult<Beat>.Err($"beat: {wrong}") : ParseResult<Beat>.Ok(beat);
    }

    /// <summary>The rules that hold for every beat.</summary>
    internal static string? Check(Beat beat)
    {
        if (beat.Keys.Count > Beat.KeysMax) return $"{beat.Keys.Count} keys; at most {Beat.KeysMax} are allowed";
        if (beat.Collections.Count > Beat.CollectionsMax)
            return $"{beat.Collections.Count} collections; at most {Beat.CollectionsMax} are allowed";
        if (beat.Position < beat.Prev) return "position is below prev";
        var span = beat.Position.Value - beat.Prev.Value;
        for (var index = 0; index < beat.Keys.Count; index++)
        {
            var key = beat.Keys[index];
            if (key.Offset == 0 || key.Offset > span) return $"key {index} has an offset outside 1 to position - prev";
            if (index > 0 && Packed(beat.Keys[index - 1]) >= Packed(key)) return $"key {index} is not in ascending order";
        }
        foreach (var collection in beat.Collections)
            if (collection.Last <= beat.Prev || collection.Last > beat.Position)
                return "a collection's last position is not after prev and up to position";
        return null;
    }

    private static Beat? Read(ref MsgPackReader reader, TextCache texts, out MapCursor where)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out where)) return null;
        long feed = 0, history = 0, epoch = 0, prev = 0, position = 0;
        Timestamp time = default;
        BeatKey[] keys = [];
        BeatCollection[] collections = [];
        while (where.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Feed => reader.TryReadInt64(0, int.MaxValue, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Epoch => reader.TryReadInt64(0, long.MaxValue, out epoch),
                Prev => reader.TryReadInt64(0, long.MaxValue, out prev),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Time => reader.TryReadTimestamp(out time),
                Keys => TryReadKeys(ref reader, out keys),
                _ => TryReadCollections(ref reader, texts, out collections),
            };
            if (!ok) return null;
        }
        if (!reader.Error.IsNone || !where.TryRequire(ref reader, Feed) || !where.TryRequire(ref reader, History)
            || !where.TryRequire(ref reader, Prev) || !where.TryRequire(ref reader, Position)) return null;
        return new Beat
        {
            Feed = new((int)feed),
            History = new(history),
            Epoch = new(epoch),
            Prev = new(prev),
            Position = new(position),
            Time = time,
            Keys = keys,
            Collections = collections,
        };
    }

    private static bool TryReadKeys(ref MsgPackReader reader, out BeatKey[] keys)
    {
        keys = [];
        var start = reader.Offset;
        if (!reader.TryReadBinary(out var bytes)) return false;
        if (bytes.Length % KeySize != 0) return reader.FailAt("not a multiple of 8 bytes", start);
        if (bytes.Length > Beat.KeysMax * KeySize) return reader.FailAt($"more than {Beat.KeysMax} keys", start);
        keys = new BeatKey[bytes.Length / KeySize];
        for (var index = 0; index < keys.Length; index++)
        {
            var packed = BinaryPrimitives.ReadUInt64BigEndian(bytes[(index * KeySize)..]);
            keys[index] = new BeatKey((uint)(packed >> 32), (uint)packed);
        }
        return true;
    }

    private static bool TryReadCollections(ref MsgPackReader reader, TextCache texts, out BeatCollection[] collections)
    {
        collections = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > Beat.CollectionsMax) return reader.FailAt($"more than {Beat.CollectionsMax} collections", start);
        var read = new BeatCollection[count];
        for (var index = 0; index < count; index++)
        {
            start = reader.Offset;
            if (!reader.TryReadArrayHeader(out var parts)) return false;
            if (parts != 3) return reader.FailAt("a collection is not [vault, collection, last position]", start);
            if (!reader.TryReadString(texts, out var vault) || !reader.TryReadString(texts, out var collection)
                || !reader.TryReadInt64(0, long.MaxValue, out var last)) return false;
            read[index] = new BeatCollection(vault, collection, new(last));
        }
        collections = read;
        return true;
    }

    private static void WriteKeys(ref MsgPackWriter writer, IReadOnlyList<BeatKey> keys)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, keys.Count * KeySize));
        for (var index = 0; index < keys.Count; index++)
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(index * KeySize), Packed(keys[index]));
        writer.WriteBinary(bytes.AsSpan(0, keys.Count * KeySize));
        ArrayPool<byte>.Shared.Return(bytes);
    }

    private static ulong Packed(BeatKey key) => (ulong)key.Crc << 32 | key.Offset;

    private static void WriteInteger(ref MsgPackWriter writer, int field, long value)
    {
        writer.WriteString(Names[field]);
        writer.WriteInteger(value);
    }
}

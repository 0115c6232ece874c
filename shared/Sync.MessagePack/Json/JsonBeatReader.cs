using System.Globalization;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Reads a beat from JSON; each key is 16 hexadecimal digits, checksum then offset.</summary>
internal static class JsonBeatReader
{
    private const int KeyDigits = 16;

    private struct Parts
    {
        public long Feed, History, Epoch, Prev, Position;
        public Timestamp Time;
        public List<BeatKey> Keys;
        public List<BeatCollection> Collections;
    }

    public static ParseResult<Beat> Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, JsonFields.Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Err("not an object");
        var parts = new Parts { Keys = [], Collections = [] };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!seen.Add(name)) return Err($"'{name}' is there twice");
            reader.Read();
            if (!TryReadField(ref reader, name, ref parts)) return Err($"'{name}' is wrong at byte {reader.TokenStartIndex}");
        }
        if (reader.Read()) return Err("trailing data");
        foreach (var name in (ReadOnlySpan<string>)["feed", "history", "prev", "position"])
            if (!seen.Contains(name)) return Err($"'{name}' is missing");
        var beat = Make(parts);
        return BeatCodec.Check(beat) is { } wrong ? Err(wrong) : ParseResult<Beat>.Ok(beat);
    }

    private static bool TryReadField(ref Utf8JsonReader reader, string name, ref Parts parts)
    {
        switch (name)
        {
            case "feed": return JsonFields.TryInteger(ref reader, 0, int.MaxValue, out parts.Feed);
            case "history": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.History);
            case "epoch": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.Epoch);
            case "prev": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.Prev);
            case "position": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.Position);
            case "time": return JsonFields.TryTime(ref reader, out parts.Time);
            case "keys": return TryReadKeys(ref reader, parts.Keys);
            case "collections": return TryReadCollections(ref reader, parts.Collections);
            default:
                reader.Skip();
                return true;
        }
    }

    private static bool TryReadKeys(ref Utf8JsonReader reader, List<BeatKey> keys)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (keys.Count == Beat.KeysMax || !JsonFields.TryText(ref reader, out var text) || text!.Length != KeyDigits
                || !text.All(char.IsAsciiHexDigit) // the parser takes NULs behind the digits
                || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var packed)) return false;
            keys.Add(new BeatKey((uint)(packed >> 32), (uint)packed));
        }
        return true;
    }

    private static bool TryReadCollections(ref Utf8JsonReader reader, List<BeatCollection> collections)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (collections.Count == Beat.CollectionsMax || reader.TokenType != JsonTokenType.StartArray
                || !reader.Read() || !JsonFields.TryText(ref reader, out var vault)
                || !reader.Read() || !JsonFields.TryText(ref reader, out var collection)
                || !reader.Read() || !JsonFields.TryInteger(ref reader, 0, long.MaxValue, out var last)
                || !reader.Read() || reader.TokenType != JsonTokenType.EndArray) return false;
            collections.Add(new BeatCollection(vault!, collection!, new Position(last)));
        }
        return true;
    }

    private static Beat Make(in Parts parts) => new()
    {
        Feed = new((int)parts.Feed),
        History = new(parts.History),
        Epoch = new(parts.Epoch),
        Prev = new(parts.Prev),
        Position = new(parts.Position),
        Time = parts.Time,
        Keys = parts.Keys,
        Collections = parts.Collections,
    };

    private static ParseResult<Beat> Err(string what) => ParseResult<Beat>.Err($"beat: {what}");
}

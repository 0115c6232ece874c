using System.Text.Json;
using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>Reads an envelope from JSON with the strictness of the MessagePack form: unknown fields are skipped, a field that
/// comes twice is refused, types are exact.</summary>
internal static class JsonEnvelopeReader
{
    private struct Parts
    {
        public byte[]? Value;
        public string? SchemaVersion, Vault, Collection, Key, Producer;
        public long Sequence, Feed, Position, History, After;
        public ChangeOp Op;
        public FactId Id;
        public Hash256 Hash;
        public Timestamp Time;
    }

    public static ParseResult<Envelope> ReadEnvelope(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, JsonFields.Options);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return Err("not an object");
        Parts parts = default;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!seen.Add(name)) return Err($"'{name}' is there twice");
            reader.Read();
            if (!TryReadField(ref reader, json, name, ref parts)) return Err($"'{name}' is wrong at byte {reader.TokenStartIndex}");
        }
        if (reader.Read()) return Err("trailing data");
        if (parts.Value is null) return Err("'value' is missing");
        if (!seen.Contains("sequence")) return Err("'sequence' is missing");
        return ParseResult<Envelope>.Ok(Make(parts));
    }

    private static bool TryReadField(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, string name, ref Parts parts)
    {
        switch (name)
        {
            case "value":
            case "value_base64":
                return TryReadValue(ref reader, json, name == "value_base64", ref parts);
            case "schema_version":
                return reader.TokenType == JsonTokenType.Null || JsonFields.TryText(ref reader, out parts.SchemaVersion);
            case "sequence": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.Sequence);
            case "vault": return JsonFields.TryText(ref reader, out parts.Vault);
            case "collection": return JsonFields.TryText(ref reader, out parts.Collection);
            case "key": return JsonFields.TryText(ref reader, out parts.Key);
            case "op": return JsonFields.TryOp(ref reader, out parts.Op);
            case "id": return JsonFields.TryId(ref reader, out parts.Id);
            case "feed": return JsonFields.TryInteger(ref reader, 0, int.MaxValue, out parts.Feed);
            case "position": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.Position);
            case "history": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.History);
            case "hash": return JsonFields.TryHash(ref reader, out parts.Hash);
            case "after": return JsonFields.TryInteger(ref reader, 0, long.MaxValue, out parts.After);
            case "time": return JsonFields.TryTime(ref reader, out parts.Time);
            case "producer": return JsonFields.TryText(ref reader, out parts.Producer);
            default:
                reader.Skip();
                return true;
        }
    }

    private static bool TryReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, bool isBase64, ref Parts parts)
    {
        if (parts.Value is not null) return false;
        if (!isBase64) parts.Value = JsonEnvelopeValue.Read(ref reader, json, out _);
        else if (reader.TokenType == JsonTokenType.String && reader.TryGetBytesFromBase64(out var bytes)
            && MsgPackCheck.Check(bytes) is null)
            parts.Value = bytes;
        return parts.Value is not null;
    }

    private static Envelope Make(in Parts parts) => new()
    {
        Key = new SyncedKey(parts.Vault!, parts.Collection!, parts.Key!),
        Value = parts.Value is [0xc0] ? F.NilValue : parts.Value,
        SchemaVersion = new SchemaVersion(parts.SchemaVersion),
        Sequence = new Sequence(parts.Sequence),
        Op = parts.Op,
        Id = parts.Id,
        Feed = new FeedId((int)parts.Feed),
        Position = new Position(parts.Position),
        History = new HistoryId(parts.History),
        Hash = parts.Hash,
        After = new Position(parts.After),
        Time = parts.Time,
        Producer = parts.Producer,
    };

    private static ParseResult<Envelope> Err(string what) => ParseResult<Envelope>.Err($"envelope: {what}");
}

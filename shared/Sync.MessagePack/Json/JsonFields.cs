using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Strict readers of single JSON fields: another type, or another form, is false.</summary>
internal static class JsonFields
{
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'";

    public static JsonReaderOptions Options { get; } = new() { MaxDepth = MsgPackReader.DepthMax + 2 };

    public static bool TryText(ref Utf8JsonReader reader, out string? text)
    {
        text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return text is not null;
    }

    public static bool TryInteger(ref Utf8JsonReader reader, long min, long max, out long value)
    {
        value = 0;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out value) && value >= min && value <= max;
    }

    public static bool TryTime(ref Utf8JsonReader reader, out Timestamp time)
    {
        time = default;
        if (!TryText(ref reader, out var text)) return false;
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, utc, out var read)) return false;
        time = Timestamp.From(read);
        return true;
    }

    public static bool TryOp(ref Utf8JsonReader reader, out ChangeOp op)
    {
        op = ChangeOp.Put;
        if (!TryText(ref reader, out var text)) return false;
        if (text == "delete") op = ChangeOp.Delete;
        else if (text == "append") op = ChangeOp.Append;
        return op != ChangeOp.Put || text == "put";
    }

    public static bool TryId(ref Utf8JsonReader reader, out FactId id)
    {
        id = default;
        return TryText(ref reader, out var text) && FactId.TryParse(text, out id);
    }

    public static bool TryHash(ref Utf8JsonReader reader, out Hash256 hash)
    {
        hash = default;
        if (!TryText(ref reader, out var text) || text!.Length != Hash256.Size * 2) return false;
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        if (Convert.FromHexString(text, bytes, out _, out _) != OperationStatus.Done) return false;
        hash = new Hash256(bytes);
        return true;
    }
}

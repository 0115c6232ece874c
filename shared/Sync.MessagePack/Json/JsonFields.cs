using System.Buffers;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Strict readers of single JSON fields: another type, or another form, is false.</summary>
internal static class JsonFields
{
    private const int TimeLengthMax = 27;

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
        // As it is written: in UTC, in capitals, and no finer than what is kept.
        return TryText(ref reader, out var text) && Rfc3339.TryRead(text, out time) is null
            && text is [.., 'Z'] && text[10] == 'T' && text.Length <= TimeLengthMax;
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

using System.Text.Json;

namespace Sync.MessagePack;

/// <summary>The value of an envelope in JSON. Exact both ways: bytes that JSON would change travel as base64.</summary>
internal static class JsonEnvelopeValue
{
    public static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> value)
    {
        using var json = PooledBytes.Rent(value.Length * 2 + 16);
        if (MsgPackToJson.TryConvert(value, json, MsgPackLimits.Default, out _) && GivesBack(json.Written, value))
        {
            writer.WritePropertyName("value");
            writer.WriteRawValue(json.Written, skipInputValidation: true);
        }
        else
        {
            writer.WriteBase64String("value_base64", value);
        }
    }

    /// <summary>Reads the value that the reader stands at; null with an error.</summary>
    public static byte[]? Read(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, out TranscodeError error)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return JsonTranscoder.ToMsgPack(json[start..(int)reader.BytesConsumed], out error);
    }

    private static bool GivesBack(ReadOnlySpan<byte> json, ReadOnlySpan<byte> value)
    {
        using var again = PooledBytes.Rent(value.Length + 16);
        return JsonToMsgPack.TryConvert(json, again, MsgPackLimits.Default, out _) && again.Written.SequenceEqual(value);
    }
}

using System.Buffers;
using System.Text.Json;
using Sync.MessagePack;

namespace Sync.Http.Json;

/// <summary>Values as JSON.</summary>
public static class ValueJson
{
    /// <summary>Writes a value into a document.</summary>
    /// <returns>False when it cannot be JSON; nothing is written then.</returns>
    public static bool TryWrite(Utf8JsonWriter json, ReadOnlyMemory<byte> value)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (!TryMake(value, out var text)) return false;
        json.WriteRawValue(text, skipInputValidation: true);
        return true;
    }

    /// <summary>Makes the text of a value.</summary>
    /// <returns>False when it cannot be JSON.</returns>
    public static bool TryMake(ReadOnlyMemory<byte> value, out ReadOnlySpan<byte> text)
    {
        var buffer = new ArrayBufferWriter<byte>(Math.Max(16, value.Length * 2));
        var isJson = JsonTranscoder.TryToJson(value.IsEmpty ? [0xC0] : value.Span, buffer, out _);
        text = buffer.WrittenSpan;
        return isJson;
    }
}

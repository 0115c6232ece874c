using System.Text.Json;
using Sync.Contracts;

namespace Sync.Http.Json;

/// <summary>Envelopes and facts as JSON, with the field names of the envelope bytes.</summary>
public static class EnvelopeJson
{
    /// <summary>Writes an envelope as an object.</summary>
    /// <returns>False when the value cannot be JSON; what was written is then incomplete and must be thrown
    /// away.</returns>
    public static bool TryWrite(Utf8JsonWriter json, Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(envelope);
        json.WriteStartObject();
        json.WritePropertyName("value"u8);
        if (!ValueJson.TryWrite(json, envelope.Value)) return false;
        WriteRest(json, envelope);
        json.WriteEndObject();
        return true;
    }

    /// <summary>Writes an envelope whatever its value is: one that cannot be JSON is <c>value_msgpack</c>,
    /// base64.</summary>
    public static void WriteAny(Utf8JsonWriter json, Envelope envelope)
    {
        ArgumentNullException.ThrowIfNull(json);
        ArgumentNullException.ThrowIfNull(envelope);
        json.WriteStartObject();
        if (ValueJson.TryMake(envelope.Value, out var value))
        {
            json.WritePropertyName("value"u8);
            json.WriteRawValue(value, skipInputValidation: true);
        }
        else
        {
            json.WriteBase64String("value_msgpack"u8, envelope.Value.Span);
        }
        WriteRest(json, envelope);
        json.WriteEndObject();
    }

    private static void WriteRest(Utf8JsonWriter json, Envelope envelope)
    {
        json.WriteString("schema_version"u8, envelope.SchemaVersion.Text);
        json.WriteNumber("sequence"u8, envelope.Sequence.Value);
        Scalars.WriteKey(json, envelope.Key);
        Scalars.WriteOp(json, envelope.Op);
        Scalars.WriteId(json, "id"u8, envelope.Id);
        json.WriteNumber("feed"u8, envelope.Feed.Value);
        json.WriteNumber("position"u8, envelope.Position.Value);
        json.WriteNumber("history"u8, envelope.History.Value);
        Scalars.WriteHash(json, "hash"u8, envelope.Hash);
        json.WriteNumber("after"u8, envelope.After.Value);
        Scalars.WriteTime(json, "time"u8, envelope.Time);
        json.WriteString("producer"u8, envelope.Producer);
    }
}

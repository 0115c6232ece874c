using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Sync.Contracts;
using F = Sync.MessagePack.EnvelopeFields;

namespace Sync.MessagePack;

/// <summary>Envelopes and beats as JSON, for debugging with a terminal client: the same field names; <c>id</c> as a UUID,
/// <c>hash</c> as hexadecimal digits, <c>time</c> in RFC 3339. A value is JSON where that gives back the very same bytes, else
/// <c>value_base64</c> holds them (docs/PROTOCOL.md, JSON and MessagePack). Stateless.</summary>
public sealed class JsonEnvelopeCodec : IEnvelopeCodec
{
    /// <summary>One for everybody.</summary>
    public static JsonEnvelopeCodec Default { get; } = new();

    /// <inheritdoc/>
    public void Encode(Envelope envelope, IBufferWriter<byte> destination)
    {
        using var writer = new Utf8JsonWriter(destination);
        writer.WriteStartObject();
        JsonEnvelopeValue.Write(writer, envelope.Value.IsEmpty ? F.NilValue.Span : envelope.Value.Span);
        writer.WriteString("schema_version", envelope.SchemaVersion.Text);
        writer.WriteNumber("sequence", envelope.Sequence.Value);
        WriteText(writer, "vault", envelope.Key.Vault);
        WriteText(writer, "collection", envelope.Key.Collection);
        WriteText(writer, "key", envelope.Key.Key);
        if (envelope.Op != ChangeOp.Put) writer.WriteString("op", F.OpText(envelope.Op));
        if (envelope.Id.Value != Guid.Empty) writer.WriteString("id", envelope.Id.Value);
        var hasPlace = F.HasPlace(envelope);
        if (hasPlace)
        {
            writer.WriteNumber("feed", envelope.Feed.Value);
            writer.WriteNumber("position", envelope.Position.Value);
            writer.WriteNumber("history", envelope.History.Value);
        }
        if (!envelope.Hash.IsZero) writer.WriteString("hash", envelope.Hash.ToString());
        if (hasPlace) writer.WriteNumber("after", envelope.After.Value);
        if (envelope.Time.UnixMicroseconds != 0) writer.WriteString("time", envelope.Time.ToString());
        WriteText(writer, "producer", envelope.Producer);
        writer.WriteEndObject();
    }

    /// <inheritdoc/>
    public ParseResult<Envelope> Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonEnvelopeReader.ReadEnvelope(bytes);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return ParseResult<Envelope>.Err($"envelope: not JSON: {broken.Message}");
        }
    }

    /// <inheritdoc/>
    public void Encode(Beat beat, IBufferWriter<byte> destination)
    {
        if (BeatCodec.Check(beat) is { } wrong) throw new ArgumentException(wrong, nameof(beat));
        using var writer = new Utf8JsonWriter(destination);
        writer.WriteStartObject();
        writer.WriteNumber("feed", beat.Feed.Value);
        writer.WriteNumber("history", beat.History.Value);
        writer.WriteNumber("epoch", beat.Epoch.Value);
        writer.WriteNumber("prev", beat.Prev.Value);
        writer.WriteNumber("position", beat.Position.Value);
        writer.WriteString("time", beat.Time.ToString());
        writer.WriteStartArray("keys");
        foreach (var key in beat.Keys)
            writer.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{key.Crc:x8}{key.Offset:x8}"));
        writer.WriteEndArray();
        writer.WriteStartArray("collections");
        foreach (var collection in beat.Collections)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(collection.Vault);
            writer.WriteStringValue(collection.Collection);
            writer.WriteNumberValue(collection.Last.Value);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <inheritdoc/>
    public ParseResult<Beat> DecodeBeat(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonBeatReader.Read(bytes);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return ParseResult<Beat>.Err($"beat: not JSON: {broken.Message}");
        }
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null) writer.WriteString(name, text);
    }
}

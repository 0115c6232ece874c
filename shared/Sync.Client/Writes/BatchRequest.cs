using System.Buffers;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>The lines of <c>POST /v1/batch</c> (docs/PROTOCOL.md, Batch). Values go as base64 of their MessagePack bytes, so
/// that they are kept as they are and nobody converts them on the way.</summary>
internal static class BatchRequest
{
    private static readonly JsonWriterOptions Options = new() { SkipValidation = true };

    public static ReadOnlyMemory<byte> Encode(IReadOnlyList<PendingWrite> batch)
    {
        var buffer = new ArrayBufferWriter<byte>(batch.Count * 512);
        using var json = new Utf8JsonWriter(buffer, Options);
        foreach (var write in batch)
        {
            Write(json, write.Command);
            json.Flush();
            json.Reset();
            buffer.Write("\n"u8);
        }
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, WriteCommand command)
    {
        json.WriteStartObject();
        json.WriteString("vault"u8, command.Key.Vault);
        json.WriteString("collection"u8, command.Key.Collection);
        if (command.Key.Key.Length > 0) json.WriteString("key"u8, command.Key.Key);
        json.WriteString("op"u8, command.Op switch
        {
            ChangeOp.Delete => "delete"u8,
            ChangeOp.Append => "append"u8,
            _ => "put"u8,
        });
        if (command.Op != ChangeOp.Delete) json.WriteBase64String("value_msgpack"u8, command.Value.Span);
        if (command.SchemaVersion.Text is { } version) json.WriteString("schema_version"u8, version);
        if (command.Expected is { } expected) json.WriteNumber("expected"u8, expected.Value);
        if (command.OnlyIfNoLiveRecord) json.WriteBoolean("only_if_no_live_record"u8, true);
        if (command.IdempotencyKey is { } idempotency) json.WriteString("idempotency_key"u8, idempotency);
        if (command.ValidTime is { } valid) json.WriteString("valid_time"u8, valid.ToString());
        json.WriteString("producer"u8, command.Producer.ToString());
        if (command.Causation is { } causation) json.WriteString("causation"u8, causation.Value);
        json.WriteEndObject();
    }
}

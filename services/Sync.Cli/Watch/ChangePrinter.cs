using System.Text;
using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Replication;

namespace Sync.Cli.Watch;

/// <summary>Prints changes of several keys, one line at a time.</summary>
internal sealed class ChangePrinter(bool json, bool many)
{
    private readonly Lock _gate = new();

    /// <summary>A change that a replica applied.</summary>
    public void Show(SyncedKey key, ReplicaMetadata metadata, ReadOnlyMemory<byte> value) => Show(
        key, metadata.Sequence.Value, metadata.SchemaVersion.Text, metadata.Status.ToString(),
        value.IsEmpty ? null : JsonTranscoder.ToJson(value.Span, out _));

    /// <summary>A change in JSON; no text = there is no record.</summary>
    public void Show(SyncedKey key, long sequence, string? schemaVersion, string status, byte[]? text)
    {
        lock (_gate)
        {
            if (json) Output.Json(members => Write(members, key, sequence, schemaVersion, status, text));
            else Output.Text((many ? key + "  " : "") + $"{sequence,6}  {(text is null ? "(no record)" : Encoding.UTF8.GetString(text))}");
        }
    }

    private static void Write(Utf8JsonWriter json, SyncedKey key, long sequence, string? schemaVersion, string status, byte[]? text)
    {
        json.WriteString("vault", key.Vault);
        json.WriteString("collection", key.Collection);
        json.WriteString("key", key.Key);
        json.WriteNumber("sequence", sequence);
        json.WriteString("schema_version", schemaVersion);
        json.WriteString("status", status);
        json.WritePropertyName("value");
        if (text is null) json.WriteNullValue();
        else json.WriteRawValue(text);
    }
}

using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Cli.Import;

/// <summary>One line of an import file as a write: <c>vault</c>, or <c>group</c> and <c>partition</c>; <c>collection</c>,
/// <c>key</c>, <c>op</c> (put unless given), <c>value</c>, <c>valid_time</c>, <c>schema_version</c>. Other members are left out.</summary>
internal static class ImportLine
{
    private static readonly byte[] Nil = [0xc0];

    /// <summary>Reads a line.</summary>
    /// <param name="line">One JSON object in UTF-8.</param>
    /// <param name="producer">Who imports.</param>
    /// <returns>The write without an idempotency key, or what is wrong with the line.</returns>
    public static (WriteCommand? Command, string? Error) Read(ReadOnlySpan<byte> line, Producer producer)
    {
        try { return ReadObject(line, producer); }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return (null, "not a JSON object of the expected form: " + error.Message);
        }
    }

    private static (WriteCommand?, string?) ReadObject(ReadOnlySpan<byte> line, Producer producer)
    {
        string? vault = null, group = null, partition = null, collection = null, key = null, op = null, version = null, valid = null;
        ReadOnlyMemory<byte>? value = null;
        var json = new Utf8JsonReader(line);
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject) return (null, "the line is not a JSON object");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            switch (name)
            {
                case "vault": vault = Once(vault, name, ref json); break;
                case "group": group = Once(group, name, ref json); break;
                case "partition": partition = Once(partition, name, ref json); break;
                case "collection": collection = Once(collection, name, ref json); break;
                case "key": key = Once(key, name, ref json); break;
                case "op": op = Once(op, name, ref json); break;
                case "schema_version": version = Once(version, name, ref json); break;
                case "valid_time": valid = Once(valid, name, ref json); break;
                case "value":
                    if (value is not null) return (null, "'value' is there twice");
                    var start = (int)json.TokenStartIndex;
                    json.Skip();
                    if (JsonTranscoder.ToMsgPack(line[start..(int)json.BytesConsumed], out var wrong) is not { } bytes) return (null, "value: " + wrong);
                    value = bytes;
                    break;
                default: json.Skip(); break;
            }
        }
        // Throws when something follows the object.
        json.Read();
        vault ??= group is not null && partition is not null ? group + Names.ShardSeparator + partition : null;
        if (vault is null) return (null, "neither 'vault' nor 'group' and 'partition' is given");
        if (op is not (null or "put" or "delete")) return (null, $"op '{op}' is neither put nor delete");
        if (op != "delete" && value is null) return (null, "a put has no 'value'");
        var synced = new SyncedKey(vault, collection ?? "", key ?? "");
        if (Names.Check(synced) is { } name2) return (null, name2);
        if (version is not null && !new SchemaVersion(version).IsWellFormed) return (null, $"schema_version '{version}' is not major.minor");
        var validTime = default(Timestamp);
        if (valid is not null && Rfc3339.TryRead(valid, out validTime) is { } wrongTime) return (null, $"valid_time {wrongTime}");
        return (new WriteCommand
        {
            Key = synced,
            Op = op == "delete" ? ChangeOp.Delete : ChangeOp.Put,
            Value = op == "delete" ? Nil : value!.Value,
            SchemaVersion = version is null ? SchemaVersion.Default : new SchemaVersion(version),
            ValidTime = valid is null ? null : validTime,
            Producer = producer,
        }, null);
    }

    private static string? Once(string? before, string name, ref Utf8JsonReader json)
    {
        if (before is not null) throw new FormatException($"'{name}' is there twice");
        if (json.TokenType is not (JsonTokenType.String or JsonTokenType.Null)) throw new FormatException($"'{name}' is not text");
        return json.GetString();
    }
}

using System.Buffers;
using System.Text.Json;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.Writer.Http;
using Sync.Writer.Json;

namespace Sync.Writer.Batch;

/// <summary>Reads one line of a batch into a write command, without a document in between. One for each batch: it
/// keeps the names of the line before, since most lines of a batch repeat them.</summary>
internal sealed class BatchLineReader(WriteLimits limits, Producer producer, AccessIdentity who, string? traceParent)
{
    private string _vault = "";
    private string _collection = "";
    private string _version = "1.0";
    private string? _writtenBy;
    private Producer _writer;
    private (string Vault, string Collection) _allowed = ("", "");

    private struct Line
    {
        public string? Vault, Collection, Key, Op, SchemaVersion, IdempotencyKey, ValidTime, Producer, Causation;
        public long? Expected;
        public bool OnlyIfNoLiveRecord;
        public byte[]? Value;
        public Field Seen;
    }

    [Flags]
    private enum Field
    {
        None = 0,
        Vault = 1,
        Collection = 2,
        Key = 4,
        Value = 8,
        Op = 16,
        SchemaVersion = 32,
        Expected = 64,
        IdempotencyKey = 128,
        ValidTime = 256,
        Producer = 512,
        OnlyIfNoLiveRecord = 1024,
        Causation = 2048,
    }

    /// <returns>Null when the command is fine.</returns>
    public Problem? TryRead(ReadOnlySequence<byte> bytes, out WriteCommand? command)
    {
        command = null;
        if (bytes.IsSingleSegment) return TryRead(bytes.FirstSpan, out command);
        var length = checked((int)bytes.Length);
        var joined = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            bytes.CopyTo(joined);
            return TryRead(joined.AsSpan(0, length), out command);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
        }
    }

    private Problem? TryRead(ReadOnlySpan<byte> bytes, out WriteCommand? command)
    {
        command = null;
        var line = default(Line);
        try
        {
            if (ReadFields(bytes, ref line) is { } problem) return problem;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return CommonProblems.Malformed($"The line is not JSON: {error.Message}");
        }
        return Build(ref line, out command);
    }

    private Problem? ReadFields(ReadOnlySpan<byte> bytes, ref Line line)
    {
        var json = new Utf8JsonReader(bytes, isFinalBlock: true,
            new JsonReaderState(new JsonReaderOptions { MaxDepth = 80 }));
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            return CommonProblems.Malformed("A line must be one JSON object.");
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref json);
            if (field == Field.None)
                return CommonProblems.Malformed(
                    $"'{Shown(json.GetString())}' is not a field of a line; fields are {KnownFields}.");
            if ((line.Seen & field) != 0) return CommonProblems.Malformed($"'{json.GetString()}' is there twice.");
            line.Seen |= field;
            json.Read();
            if (ReadField(ref json, bytes, field, ref line) is { } problem) return problem;
        }
        return json.Read() ? CommonProblems.Malformed("Something follows the object on the line.") : null;
    }

    private const string KnownFields = "vault, collection, key, value, value_msgpack, op, schema_version, expected, "
        + "only_if_no_live_record, idempotency_key, valid_time, producer, causation";

    private Problem? ReadField(ref Utf8JsonReader json, ReadOnlySpan<byte> bytes, Field field, ref Line line)
    {
        switch (field)
        {
            case Field.Value: return ReadValue(ref json, bytes, ref line);
            case Field.Vault: line.Vault = _vault = Same(ref json, _vault); return null;
            case Field.Collection: line.Collection = _collection = Same(ref json, _collection); return null;
            case Field.SchemaVersion:
                if (json.TokenType != JsonTokenType.Null) line.SchemaVersion = _version = Same(ref json, _version);
                return null;
            case Field.Key: line.Key = json.GetString(); return null;
            case Field.Op: line.Op = Known(ref json, "put"); return null;
            case Field.IdempotencyKey: line.IdempotencyKey = json.GetString(); return null;
            case Field.ValidTime:
                if (json.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                    return CommonProblems.Malformed("'valid_time' must be text.");
                line.ValidTime = json.GetString();
                return null;
            case Field.Producer: line.Producer = Known(ref json, _writtenBy); return null;
            case Field.Causation: line.Causation = json.GetString(); return null;
            case Field.OnlyIfNoLiveRecord: line.OnlyIfNoLiveRecord = json.GetBoolean(); return null;
            default:
                if (json.TokenType == JsonTokenType.Null) return null;
                if (!json.TryGetInt64(out var expected) || expected < 0)
                    return CommonProblems.Malformed("'expected' must be a whole number, 0 = no fact ever.");
                line.Expected = expected;
                return null;
        }
    }

    private Problem? ReadValue(ref Utf8JsonReader json, ReadOnlySpan<byte> bytes, ref Line line)
    {
        if (_valueIsMessagePack)
        {
            if (!json.TryGetBytesFromBase64(out line.Value))
                return CommonProblems.Malformed("'value_msgpack' must be base64.");
            return limits.CheckMessagePack(line.Value);
        }
        var start = (int)json.TokenStartIndex;
        json.Skip();
        return limits.ReadJson(bytes[start..(int)json.BytesConsumed], out line.Value);
    }

    // Which of the two fields of a value is being read: they exclude each other, so they are one field to the
    // duplicate check.
    private bool _valueIsMessagePack;

    private Field FieldOf(ref Utf8JsonReader json)
    {
        if (json.ValueTextEquals("vault"u8)) return Field.Vault;
        if (json.ValueTextEquals("collection"u8)) return Field.Collection;
        if (json.ValueTextEquals("key"u8)) return Field.Key;
        if (json.ValueTextEquals("value"u8)) return Value(false);
        if (json.ValueTextEquals("value_msgpack"u8)) return Value(true);
        if (json.ValueTextEquals("idempotency_key"u8)) return Field.IdempotencyKey;
        if (json.ValueTextEquals("schema_version"u8)) return Field.SchemaVersion;
        if (json.ValueTextEquals("op"u8)) return Field.Op;
        if (json.ValueTextEquals("expected"u8)) return Field.Expected;
        if (json.ValueTextEquals("valid_time"u8)) return Field.ValidTime;
        if (json.ValueTextEquals("producer"u8)) return Field.Producer;
        if (json.ValueTextEquals("causation"u8)) return Field.Causation;
        return json.ValueTextEquals("only_if_no_live_record"u8) ? Field.OnlyIfNoLiveRecord : Field.None;
    }

    private Field Value(bool isMessagePack)
    {
        _valueIsMessagePack = isMessagePack;
        return Field.Value;
    }

    private static string Same(ref Utf8JsonReader json, string before)
    {
        if (json.TokenType != JsonTokenType.String) throw new FormatException("a name must be a string");
        return json.ValueTextEquals(before) ? before : json.GetString()!;
    }

    private static string? Known(ref Utf8JsonReader json, string? likely) =>
        likely is not null && json.TokenType == JsonTokenType.String && json.ValueTextEquals(likely) ? likely : json.GetString();

    private Problem? Build(ref Line line, out WriteCommand? command)
    {
        command = null;
        if (ReadOp(line.Op, out var op) is { } wrongOp) return wrongOp;
        var key = new SyncedKey(line.Vault!, line.Collection!, line.Key ?? (op == ChangeOp.Append ? "" : null!));
        if (WriteLimits.CheckNames(key, op) is { } wrong) return RecordProblems.InvalidName(wrong);
        if (CheckAccess(key) is { } forbidden) return forbidden;
        if (Problems.Reserved(key) is { } reserved) return reserved;
        var version = line.SchemaVersion is null ? SchemaVersion.Default : new SchemaVersion(line.SchemaVersion);
        if (!version.IsWellFormed) return Problems.InvalidSchemaVersion(version.Text);
        if (ValueOf(ref line, op, out var value) is { } wrongValue) return wrongValue;
        if (line.IdempotencyKey is not null && Names.CheckIdempotencyKey(line.IdempotencyKey) is { } wrongKey)
            return CommonProblems.Malformed(wrongKey + ".");
        var valid = default(Timestamp);
        if (line.ValidTime is not null && Rfc3339.TryRead(line.ValidTime, out valid) is { } wrongTime)
            return CommonProblems.Malformed($"'valid_time' {wrongTime}.");
        if (!WriteHeaders.TryCausation(line.Causation, op, out var causation))
            return CommonProblems.Malformed(WriteHeaders.CausationRule("'causation'"));
        if (line.Producer is not null && !ReferenceEquals(line.Producer, _writtenBy))
        {
            if (!WriteHeaders.TryProducer(line.Producer, out var other))
                return CommonProblems.Malformed(WriteHeaders.ProducerRule("'producer'"));
            (_writtenBy, _writer) = (line.Producer, other);
        }
        command = new WriteCommand
        {
            Key = key,
            Op = op,
            Value = value,
            SchemaVersion = version,
            Expected = line.Expected is { } expected ? new Sequence(expected) : null,
            OnlyIfNoLiveRecord = line.OnlyIfNoLiveRecord,
            IdempotencyKey = line.IdempotencyKey,
            ValidTime = line.ValidTime is null ? null : valid,
            Producer = line.Producer is null ? producer : _writer,
            Causation = causation,
            TraceParent = traceParent,
        };
        return limits.CheckEnvelope(command);
    }

    private Problem? CheckAccess(SyncedKey key)
    {
        // Lines mostly repeat the very strings of the line before, so this compares references.
        if (_allowed == (key.Vault, key.Collection)) return null;
        var target = AccessTarget.OfVault(key.Vault, key.Collection);
        if (!who.Covers(AccessAction.Write, target)) return AccessProblems.Forbidden(AccessAction.Write, target);
        _allowed = (key.Vault, key.Collection);
        return null;
    }

    private static Problem? ReadOp(string? text, out ChangeOp op)
    {
        op = text switch
        {
            "delete" => ChangeOp.Delete,
            "append" => ChangeOp.Append,
            _ => ChangeOp.Put,
        };
        return text is null or "put" or "delete" or "append"
            ? null
            : CommonProblems.Malformed($"'op' is '{Shown(text)}'; must be put, delete or append.");
    }

    private static Problem? ValueOf(ref Line line, ChangeOp op, out ReadOnlyMemory<byte> value)
    {
        value = line.Value;
        if (op != ChangeOp.Delete)
            return line.Value is null
                ? CommonProblems.Malformed("A put or append needs 'value' (null is a value) or 'value_msgpack'.") : null;
        value = WriteLimits.Nil;
        return line.Value is null or [0xC0] ? null : CommonProblems.Malformed("A delete has no value.");
    }

    private static string Shown(string? text) => text is null ? "" : text.Length <= 40 ? text : text[..40] + "…";
}

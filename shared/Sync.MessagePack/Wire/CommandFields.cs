using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The map of a write command; with its key and trace context when it is forwarded, without them when the subject
/// and the headers say them.</summary>
internal static class CommandFields
{
    private const int Op = 0, Value = 1, SchemaVersion = 2, Expected = 3, OnlyIfAbsent = 4, IdempotencyKey = 5, ValidTime = 6,
        Producer = 7, Causation = 8, Vault = 9, Collection = 10, Key = 11, TraceParent = 12;

    private static readonly FieldNames Names = new("write command", "op", "value", "schema_version", "expected",
        "only_if_absent", "idempotency_key", "valid_time", "producer", "causation", "vault", "collection", "key",
        "traceparent");

    /// <summary>Writes a command.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="command">The command.</param>
    /// <param name="withKey">True: with the whole key and the trace context. False: the subject names the key.</param>
    public static void Write(ref MsgPackWriter writer, WriteCommand command, bool withKey)
    {
        writer.WriteMapHeader(Count(command) + (withKey ? 3 : 0) + (withKey && command.TraceParent is not null ? 1 : 0));
        WriteBody(ref writer, command);
        if (!withKey) return;
        WriteText(ref writer, Vault, command.Key.Vault);
        WriteText(ref writer, Collection, command.Key.Collection);
        WriteText(ref writer, Key, command.Key.Key);
        WriteText(ref writer, TraceParent, command.TraceParent);
    }

    /// <summary>Writes an append: the subject names the collection, the body the key unless it is empty.</summary>
    public static void WriteAppend(ref MsgPackWriter writer, WriteCommand command)
    {
        var hasKey = command.Key.Key.Length > 0;
        writer.WriteMapHeader(Count(command) + (hasKey ? 1 : 0));
        WriteBody(ref writer, command);
        if (hasKey) WriteText(ref writer, Key, command.Key.Key);
    }

    private static int Count(WriteCommand command) => 4
        + (command.Expected is null ? 0 : 1) + (command.OnlyIfNoLiveRecord ? 1 : 0)
        + (command.IdempotencyKey is null ? 0 : 1) + (command.ValidTime is null ? 0 : 1)
        + (command.Causation is null ? 0 : 1);

    private static void WriteBody(ref MsgPackWriter writer, WriteCommand command)
    {
        writer.WriteString(Names[Op]);
        writer.WriteString(EnvelopeFields.OpText(command.Op));
        writer.WriteString(Names[Value]);
        writer.WriteRaw(command.Value.IsEmpty ? EnvelopeFields.NilValue.Span : command.Value.Span);
        writer.WriteString(Names[SchemaVersion]);
        writer.WriteStringOrNil(command.SchemaVersion.Text);
        writer.WriteString(Names[Producer]);
        writer.WriteString(command.Producer.ToString());
        if (command.Expected is { } expected)
        {
            writer.WriteString(Names[Expected]);
            writer.WriteInteger(expected.Value);
        }
        if (command.OnlyIfNoLiveRecord)
        {
            writer.WriteString(Names[OnlyIfAbsent]);
            writer.WriteBoolean(true);
        }
        WriteText(ref writer, IdempotencyKey, command.IdempotencyKey);
        if (command.ValidTime is { } validTime)
        {
            writer.WriteString(Names[ValidTime]);
            writer.WriteTimestamp(validTime);
        }
        if (command.Causation is { } causation)
        {
            writer.WriteString(Names[Causation]);
            writer.WriteFactId(causation);
        }
    }

    private ref struct Parts
    {
        public ChangeOp Op;
        public ReadOnlySpan<byte> Value;
        public string? SchemaVersion, IdempotencyKey, Producer, Vault, Collection, Key, TraceParent;
        public long? Expected;
        public bool OnlyIfAbsent;
        public Timestamp? ValidTime;
        public FactId? Causation;
    }

    /// <summary>Reads one command; <paramref name="key"/> is the key that the subject named, or null to read it here. Of an append
    /// to a collection it names the collection only.</summary>
    public static WriteCommand? Read(ref MsgPackReader reader, SyncedKey? key, bool isAppend, out MapCursor where)
    {
        var start = reader.Offset;
        if (!MapCursor.TryBegin(ref reader, Names, out where)) return null;
        Parts parts = default;
        if (isAppend) parts.Op = ChangeOp.Append;
        var known = key is null ? Named.Nothing : isAppend ? Named.Collection : Named.Key;
        while (where.TryNext(ref reader, out var field))
            if (!TryReadField(ref reader, field, known, ref parts)) return null;
        if (!reader.Error.IsNone) return null;
        if (isAppend && parts.Op != ChangeOp.Append)
        {
            reader.FailAt("the subject is for an append; 'op' is another", start);
            return null;
        }
        if (isAppend) key = key!.Value with { Key = parts.Key ?? "" };
        if (key is null && !(where.TryRequire(ref reader, Vault) && where.TryRequire(ref reader, Collection)
            && where.TryRequire(ref reader, Key))) return null;
        if (parts.Op != ChangeOp.Delete && !where.TryRequire(ref reader, Value)) return null;
        if (parts.Op == ChangeOp.Delete && where.Has(Value) && parts.Value is not [0xc0])
        {
            reader.FailAt("a delete has a value other than nil", start);
            return null;
        }
        return new WriteCommand
        {
            Key = key ?? new SyncedKey(parts.Vault!, parts.Collection!, parts.Key!),
            Op = parts.Op,
            Value = parts.Value is [] or [0xc0] ? EnvelopeFields.NilValue : parts.Value.ToArray(),
            SchemaVersion = parts.SchemaVersion is null
                ? Contracts.SchemaVersion.Default : new Contracts.SchemaVersion(parts.SchemaVersion),
            Expected = parts.Expected is { } expected ? new Sequence(expected) : null,
            OnlyIfNoLiveRecord = parts.OnlyIfAbsent,
            IdempotencyKey = parts.IdempotencyKey,
            ValidTime = parts.ValidTime,
            Producer = Contracts.Producer.FromText(parts.Producer),
            Causation = parts.Causation,
            TraceParent = parts.TraceParent,
        };
    }

    /// <summary>What the subject of a request names.</summary>
    private enum Named { Nothing, Collection, Key }

    private static bool TryReadField(ref MsgPackReader reader, int field, Named named, ref Parts parts)
    {
        // A nil stands for "not given" in every field but the value, and the key when it is given here.
        var isNeeded = field == Value || (field is Vault or Collection or Key && named == Named.Nothing);
        if (!isNeeded && reader.TrySkipNil()) return true;
        switch (field)
        {
            case Op: return EnvelopeFields.TryReadOp(ref reader, out parts.Op);
            case Value: return reader.TryReadRaw(out parts.Value);
            case SchemaVersion: return TryReadText(ref reader, out parts.SchemaVersion);
            case Expected:
                var isExpected = reader.TryReadInt64(0, long.MaxValue, out var expected);
                parts.Expected = expected;
                return isExpected;
            case OnlyIfAbsent: return reader.TryReadBoolean(out parts.OnlyIfAbsent);
            case IdempotencyKey: return TryReadText(ref reader, out parts.IdempotencyKey);
            case ValidTime:
                var isTime = reader.TryReadTimestamp(out var time);
                parts.ValidTime = time;
                return isTime;
            case Producer: return TryReadText(ref reader, out parts.Producer);
            case Causation:
                if (!reader.TryReadBinary(FactId.Size, out var id)) return false;
                parts.Causation = FactId.FromBytes(id);
                return true;
            // What the subject said is not said twice: a body cannot point elsewhere.
            case Vault or Collection when named != Named.Nothing:
            case Key when named == Named.Key:
                return reader.Fail("the subject names it; not allowed here");
            case Vault: return TryReadText(ref reader, out parts.Vault);
            case Collection: return TryReadText(ref reader, out parts.Collection);
            case Key: return TryReadText(ref reader, out parts.Key);
            default: return TryReadText(ref reader, out parts.TraceParent);
        }
    }

    private static bool TryReadText(ref MsgPackReader reader, out string? text)
    {
        var ok = reader.TryReadString(out var read);
        text = ok ? read : null;
        return ok;
    }

    private static void WriteText(ref MsgPackWriter writer, int field, string? text)
    {
        if (text is null) return;
        writer.WriteString(Names[field]);
        writer.WriteString(text);
    }
}

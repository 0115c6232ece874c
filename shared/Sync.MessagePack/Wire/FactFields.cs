using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The map of a fact record.</summary>
internal static class FactFields
{
    public const int Id = 0, Vault = 1, Collection = 2, Key = 3, Sequence = 4, Op = 5, Value = 6, Hash = 7, SchemaVersion = 8,
        Causation = 9, TransactionTime = 10, ValidTime = 11, Producer = 12, Derivation = 13, IdempotencyKey = 14, Feed = 15,
        Position = 16, After = 17, Epoch = 18, Chain = 19;

    public const int DerivationSourcesMax = 10_000;

    public static readonly FieldNames Names = new("fact", "id", "vault", "collection", "key", "sequence", "op", "value",
        "value_hash", "schema_version", "causation", "transaction_time", "valid_time", "producer", "derivation",
        "idempotency_key", "feed", "position", "after", "epoch", "chain");

    /// <summary>May be left out; everything else must be there.</summary>
    public static bool IsOptional(int field) => field is Causation or ValidTime or Derivation or IdempotencyKey;

    public static bool TryReadProducer(ref MsgPackReader reader, out Producer producer)
    {
        producer = default;
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count != 2) return reader.FailAt("not [type, name]", start);
        if (!reader.TryReadString(out var type) || !reader.TryReadString(out var name)) return false;
        producer = new Producer(type, name);
        return true;
    }

    public static void WriteProducer(ref MsgPackWriter writer, Producer producer)
    {
        writer.WriteArrayHeader(2);
        writer.WriteString(producer.Type);
        writer.WriteString(producer.Name);
    }

    public static bool TryReadDerivation(ref MsgPackReader reader, out Derivation? derivation)
    {
        derivation = null;
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var parts)) return false;
        if (parts != 3) return reader.FailAt("not [rule, version, sources]", start);
        if (!reader.TryReadString(out var rule) || !reader.TryReadString(out var version)
            || !reader.TryReadArrayHeader(out var count)) return false;
        if (count > DerivationSourcesMax) return reader.FailAt($"more than {DerivationSourcesMax} sources", start);
        var sources = new FactId[count];
        for (var index = 0; index < count; index++)
        {
            if (!reader.TryReadBinary(FactId.Size, out var id)) return false;
            sources[index] = FactId.FromBytes(id);
        }
        derivation = new Derivation(rule, version, sources);
        return true;
    }

    public static void WriteDerivation(ref MsgPackWriter writer, Derivation? derivation)
    {
        if (derivation is null)
        {
            writer.WriteNil();
            return;
        }
        writer.WriteArrayHeader(3);
        writer.WriteString(derivation.Rule);
        writer.WriteString(derivation.Version);
        writer.WriteArrayHeader(derivation.Sources.Count);
        for (var index = 0; index < derivation.Sources.Count; index++) writer.WriteFactId(derivation.Sources[index]);
    }

    public static void WriteFactIdOrNil(ref MsgPackWriter writer, FactId? id)
    {
        if (id is { } given) writer.WriteFactId(given);
        else writer.WriteNil();
    }

    public static void WriteTimestampOrNil(ref MsgPackWriter writer, Timestamp? time)
    {
        if (time is { } given) writer.WriteTimestamp(given);
        else writer.WriteNil();
    }
}

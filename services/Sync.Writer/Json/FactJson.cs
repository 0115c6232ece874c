using System.Text.Json;
using Sync.Contracts;
using Sync.Http.Json;

namespace Sync.Writer.Json;

/// <summary>A fact as JSON, with everything that its chain hash covers.</summary>
internal static class FactJson
{
    /// <returns>False when the value cannot be JSON; what was written is then incomplete and must be thrown
    /// away.</returns>
    public static bool TryWrite(Utf8JsonWriter json, Fact fact)
    {
        json.WriteStartObject();
        Scalars.WriteId(json, "id"u8, fact.Id);
        Scalars.WriteKey(json, fact.Key);
        json.WriteNumber("sequence"u8, fact.Sequence.Value);
        Scalars.WriteOp(json, fact.Op);
        json.WritePropertyName("value"u8);
        if (!ValueJson.TryWrite(json, fact.Value)) return false;
        Scalars.WriteHash(json, "value_hash"u8, fact.ValueHash);
        json.WriteString("schema_version"u8, fact.SchemaVersion.Text);
        Scalars.WriteId(json, "causation"u8, fact.Causation);
        Scalars.WriteTime(json, "transaction_time"u8, fact.TransactionTime);
        Scalars.WriteTime(json, "valid_time"u8, fact.ValidTime);
        json.WriteString("producer"u8, fact.Producer.ToString());
        WriteDerivation(json, fact.Derivation);
        json.WriteString("idempotency_key"u8, fact.IdempotencyKey);
        json.WriteNumber("feed"u8, fact.Feed.Value);
        json.WriteNumber("position"u8, fact.Position.Value);
        json.WriteNumber("after"u8, fact.After.Value);
        json.WriteNumber("epoch"u8, fact.Epoch.Value);
        Scalars.WriteHash(json, "chain"u8, fact.Chain);
        json.WriteEndObject();
        return true;
    }

    private static void WriteDerivation(Utf8JsonWriter json, Derivation? derivation)
    {
        if (derivation is null)
        {
            json.WriteNull("derivation"u8);
            return;
        }
        json.WriteStartObject("derivation"u8);
        json.WriteString("rule"u8, derivation.Rule);
        json.WriteString("version"u8, derivation.Version);
        json.WriteStartArray("sources"u8);
        foreach (var source in derivation.Sources) json.WriteStringValue(source.Value);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

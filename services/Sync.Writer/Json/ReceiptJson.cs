using System.Text.Json;
using Sync.Contracts;
using Sync.Http.Json;

namespace Sync.Writer.Json;

/// <summary>A receipt as JSON: <c>{factId, vault, collection, key, sequence, feed, history, position,
/// transactionTime, valueHash, causation}</c>; <c>replayed</c> is there only when true.</summary>
internal static class ReceiptJson
{
    public static void Write(Utf8JsonWriter json, Receipt receipt, bool replayed)
    {
        json.WriteStartObject();
        Scalars.WriteId(json, "factId"u8, receipt.FactId);
        Scalars.WriteKey(json, receipt.Key);
        json.WriteNumber("sequence"u8, receipt.Sequence.Value);
        json.WriteNumber("feed"u8, receipt.Feed.Value);
        json.WriteNumber("history"u8, receipt.History.Value);
        json.WriteNumber("position"u8, receipt.Position.Value);
        Scalars.WriteTime(json, "transactionTime"u8, receipt.TransactionTime);
        Scalars.WriteHash(json, "valueHash"u8, receipt.ValueHash);
        Scalars.WriteId(json, "causation"u8, receipt.Causation);
        if (replayed) json.WriteBoolean("replayed"u8, true);
        json.WriteEndObject();
    }
}

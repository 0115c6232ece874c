using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Ledger;

namespace Sync.Writer.Http;

/// <summary>The member <c>changefeed</c> of the status: who follows, and how far behind.</summary>
internal static class ChangefeedStatus
{
    /// <summary>Those furthest behind are listed.</summary>
    private const int ReadersListedMax = 100;

    public static void Write(Utf8JsonWriter json, Changefeed changefeed, EventStreams streams)
    {
        var counts = changefeed.Counts;
        json.WriteStartObject("changefeed"u8);
        json.WriteNumber("readers"u8, counts.Readers);
        json.WriteNumber("streams"u8, streams.Open);
        json.WriteNumber("slow_clients_dropped"u8, streams.SlowDropped);
        json.WriteNumber("dropped_to_latest"u8, counts.Dropped);
        json.WriteNumber("resets"u8, counts.Resets);
        json.WriteNumber("ledger_reads"u8, counts.LedgerReads);
        json.WriteStartArray("consumers"u8);
        foreach (var reader in changefeed.Readers().OrderByDescending(one => one.Lag).Take(ReadersListedMax))
            Write(json, reader);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ChangefeedReader reader)
    {
        json.WriteStartObject();
        json.WriteNumber("feed"u8, reader.Feed.Value);
        json.WriteString("group"u8, reader.Filter.Group);
        json.WriteString("vault"u8, reader.Filter.Vault);
        json.WriteString("collection"u8, reader.Filter.Collection);
        json.WriteString("policy"u8, reader.Policy == DeliveryPolicy.DropToLatest ? "latest" : "disconnect");
        if (reader.Cursor is { } cursor) json.WriteNumber("position"u8, cursor.Value);
        else json.WriteNull("position"u8);
        json.WriteNumber("lag"u8, reader.Lag);
        json.WriteEndObject();
    }
}

using System.Buffers;
using System.Text.Json;
using Sync.Contracts;
using Sync.Http.Json;
using Sync.MessagePack;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>A page of records in both forms: <c>{feed, history, position, next, items}</c>; the first three are null
/// while nothing is known of the feed. <c>next</c> is what to give as <c>after</c>; null = that was all.</summary>
internal sealed record RecordPage(CollectionFeed? Feed, string? Next, IReadOnlyList<Record> Items)
{
    private const int Members = 5;

    /// <summary>The envelope of a held record; <c>after</c> is not held, and reads 0.</summary>
    public static Envelope EnvelopeOf(in Record record) => new()
    {
        Key = record.Key,
        Value = record.Value,
        SchemaVersion = record.SchemaVersion,
        Sequence = record.Sequence,
        Id = record.Id,
        Feed = record.At.Feed,
        Position = record.At.Position,
        History = record.At.History,
        Hash = record.Hash,
        Time = record.Time,
        Producer = record.Producer,
    };

    public static bool TryWrite(Utf8JsonWriter json, RecordPage page)
    {
        json.WriteStartObject();
        if (page.Feed?.Freshness is { IsKnown: true, AsOf: var at })
        {
            json.WriteNumber("feed"u8, at.Feed.Value);
            json.WriteNumber("history"u8, at.History.Value);
            json.WriteNumber("position"u8, at.Position.Value);
        }
        else
        {
            json.WriteNull("feed"u8);
            json.WriteNull("history"u8);
            json.WriteNull("position"u8);
        }
        json.WriteString("next"u8, page.Next);
        json.WriteStartArray("items"u8);
        foreach (var record in page.Items)
            if (!EnvelopeJson.TryWrite(json, EnvelopeOf(record))) return false;
        json.WriteEndArray();
        json.WriteEndObject();
        return true;
    }

    public static void Write(IBufferWriter<byte> output, RecordPage page)
    {
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(Members);
        FeedPosition? at = page.Feed?.Freshness is { IsKnown: true } freshness ? freshness.AsOf : null;
        WriteNumber(ref writer, "feed"u8, at?.Feed.Value);
        WriteNumber(ref writer, "history"u8, at?.History.Value);
        WriteNumber(ref writer, "position"u8, at?.Position.Value);
        writer.WriteString("next"u8);
        writer.WriteStringOrNil(page.Next);
        writer.WriteString("items"u8);
        writer.WriteArrayHeader(page.Items.Count);
        writer.Flush();
        foreach (var record in page.Items) EnvelopeCodec.Default.Encode(EnvelopeOf(record), output);
    }

    private static void WriteNumber(ref MsgPackWriter writer, ReadOnlySpan<byte> name, long? number)
    {
        writer.WriteString(name);
        if (number is { } value) writer.WriteInteger(value);
        else writer.WriteNil();
    }
}

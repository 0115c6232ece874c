using System.Buffers;
using System.Text.Json;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Json;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;
using Record = Sync.Replication.CollectionRecord<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>The events of streams; their data is JSON on one line.</summary>
internal static class StreamEvents
{
    /// <summary>Forget everything: a snapshot follows.</summary>
    public static ServerEvent Reset { get; } = new(null, "reset", "{}"u8.ToArray());

    public static ServerEvent Snapshot(List<Record> records) => Make("snapshot", records, static (json, items) =>
    {
        json.WriteStartObject();
        json.WriteStartArray("items"u8);
        foreach (var record in items) EnvelopeJson.WriteAny(json, RecordPage.EnvelopeOf(record));
        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static ServerEvent Ready(Held held) => Make("ready", held, static (json, one) =>
    {
        json.WriteStartObject();
        json.WriteString("status"u8, Stand.TextOf(one.Status));
        json.WriteStartArray("feeds"u8);
        foreach (var feed in one.Feeds) Stand.Write(json, feed);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static ServerEvent Put(Record record) =>
        Make("put", record, static (json, one) => EnvelopeJson.WriteAny(json, RecordPage.EnvelopeOf(one)));

    /// <summary>Without a sequence when only a snapshot showed that the record is gone.</summary>
    public static ServerEvent Delete(CollectionNote note) => Make("delete", note, static (json, one) =>
    {
        json.WriteStartObject();
        Scalars.WriteKey(json, one.Key);
        if (one.Sequence > Sequence.None) json.WriteNumber("sequence"u8, one.Sequence.Value);
        json.WriteNumber("feed"u8, one.At.Feed.Value);
        json.WriteNumber("history"u8, one.At.History.Value);
        json.WriteNumber("position"u8, one.At.Position.Value);
        json.WriteEndObject();
    });

    private static ServerEvent Make<T>(string name, T content, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Scalars.Options)) write(json, content);
        return new ServerEvent(null, name, buffer.WrittenMemory);
    }
}

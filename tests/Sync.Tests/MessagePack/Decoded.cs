using System.Text.Json;
using Sync.Contracts;

namespace Sync.Tests.MessagePack;

/// <summary>Decoded forms of the vectors as words of the system.</summary>
internal static class Decoded
{
    public static Envelope Envelope(JsonElement decoded) => new()
    {
        Key = new(decoded.Text("vault")!, decoded.Text("collection")!, decoded.Text("key")!),
        Value = Convert.FromHexString(decoded.Text("value")!),
        SchemaVersion = new(decoded.Text("schema_version")),
        Sequence = new(decoded.Number("sequence")!.Value),
        Op = Op(decoded.Text("op")),
        Id = IdOrNone(decoded, "id") ?? default,
        Feed = new((int)(decoded.Number("feed") ?? 0)),
        Position = new(decoded.Number("position") ?? 0),
        History = new(decoded.Number("history") ?? 0),
        Hash = HashOrNone(decoded, "hash"),
        After = new(decoded.Number("after") ?? 0),
        Time = new(decoded.Number("time") ?? 0),
        Producer = decoded.Text("producer"),
    };

    public static Beat Beat(JsonElement decoded) => new()
    {
        Feed = new((int)decoded.Number("feed")!),
        History = new(decoded.Number("history")!.Value),
        Epoch = new(decoded.Number("epoch")!.Value),
        Prev = new(decoded.Number("prev")!.Value),
        Position = new(decoded.Number("position")!.Value),
        Time = new(decoded.Number("time")!.Value),
        Keys = [.. decoded.GetProperty("keys").EnumerateArray()
            .Select(key => new BeatKey(Convert.ToUInt32(key[0].GetString(), 16), key[1].GetUInt32()))],
        Collections = [.. decoded.GetProperty("collections").EnumerateArray()
            .Select(item => new BeatCollection(item[0].GetString()!, item[1].GetString()!, new(Parse(item[2]))))],
    };

    public static WriteCommand Command(JsonElement decoded, SyncedKey? key) => new()
    {
        Key = key ?? new(decoded.Text("vault")!, decoded.Text("collection")!, decoded.Text("key")!),
        Op = Op(decoded.Text("op")),
        Value = Convert.FromHexString(decoded.Text("value")!),
        SchemaVersion = new(decoded.Text("schema_version")),
        Expected = decoded.Number("expected") is { } expected ? new Sequence(expected) : null,
        OnlyIfNoLiveRecord = decoded.Has("only_if_absent"),
        IdempotencyKey = decoded.Text("idempotency_key"),
        ValidTime = TimeOrNone(decoded, "valid_time"),
        Producer = Producer.FromText(decoded.Text("producer")),
        Causation = IdOrNone(decoded, "causation"),
        TraceParent = decoded.Text("traceparent"),
    };

    public static WriteResult Result(JsonElement decoded) => decoded.Text("outcome") switch
    {
        "committed" => new WriteResult.Committed(Receipt(decoded.GetProperty("receipt")), decoded.GetProperty("replayed").GetBoolean()),
        "refused" => new WriteResult.Refused(new Refusal(
            RefusalCode.ExpectedSequenceDiffers, decoded.Text("detail")!,
            decoded.TryGetProperty("current", out var current) ? Envelope(current) : null)
        {
            Last = decoded.Number("last") is { } last ? new Sequence(last) : null,
        }),
        _ => new WriteResult.Unknown(decoded.Text("reason")!),
    };

    public static Fact Fact(JsonElement decoded) => new()
    {
        Id = IdOrNone(decoded, "id")!.Value,
        Key = new(decoded.Text("vault")!, decoded.Text("collection")!, decoded.Text("key")!),
        Sequence = new(decoded.Number("sequence")!.Value),
        Op = Op(decoded.Text("op")),
        Value = Convert.FromHexString(decoded.Text("value")!),
        ValueHash = HashOrNone(decoded, "value_hash"),
        SchemaVersion = new(decoded.Text("schema_version")),
        Causation = IdOrNone(decoded, "causation"),
        TransactionTime = TimeOrNone(decoded, "transaction_time")!.Value,
        ValidTime = TimeOrNone(decoded, "valid_time"),
        Producer = new(decoded.GetProperty("producer")[0].GetString()!, decoded.GetProperty("producer")[1].GetString()!),
        Derivation = decoded.GetProperty("derivation") is { ValueKind: JsonValueKind.Array } from
            ? new Derivation(from[0].GetString()!, from[1].GetString()!, [.. from[2].EnumerateArray().Select(Id)])
            : null,
        IdempotencyKey = decoded.Text("idempotency_key"),
        Feed = new((int)decoded.Number("feed")!),
        Position = new(decoded.Number("position")!.Value),
        After = new(decoded.Number("after") ?? 0),
        Epoch = new(decoded.Number("epoch") ?? 0),
        Chain = HashOrNone(decoded, "chain"),
    };

    public static EnvelopeAnswer Answer(JsonElement decoded) => new()
    {
        Feed = new((int)decoded.Number("feed")!),
        History = new(decoded.Number("history")!.Value),
        Floor = new(decoded.Number("floor")!.Value),
        Position = new(decoded.Number("position")!.Value),
        Answered = decoded.GetProperty("answered").GetInt32(),
        Envelopes = [.. decoded.GetProperty("envelopes").EnumerateArray().Select(Envelope)],
    };

    public static RefetchItem Item(JsonElement item, int from) =>
        new(item[from].GetString()!, item[from + 1].GetString()!, new(Parse(item[from + 2])));

    private static Receipt Receipt(JsonElement decoded) => new()
    {
        FactId = IdOrNone(decoded, "fact_id")!.Value,
        Key = new(decoded.Text("vault")!, decoded.Text("collection")!, decoded.Text("key")!),
        Sequence = new(decoded.Number("sequence")!.Value),
        Feed = new((int)decoded.Number("feed")!),
        History = new(decoded.Number("history")!.Value),
        Position = new(decoded.Number("position")!.Value),
        TransactionTime = TimeOrNone(decoded, "transaction_time")!.Value,
        ValueHash = HashOrNone(decoded, "value_hash"),
        Causation = IdOrNone(decoded, "causation"),
    };

    private static ChangeOp Op(string? text) => text switch
    {
        null or "put" => ChangeOp.Put,
        "delete" => ChangeOp.Delete,
        _ => ChangeOp.Append,
    };

    private static FactId? IdOrNone(JsonElement decoded, string name) =>
        decoded.Text(name) is { } hex ? FactId.FromBytes(Convert.FromHexString(hex)) : null;

    private static FactId Id(JsonElement hex) => FactId.FromBytes(Convert.FromHexString(hex.GetString()!));

    private static Hash256 HashOrNone(JsonElement decoded, string name) =>
        decoded.Text(name) is { } hex ? new Hash256(Convert.FromHexString(hex)) : default;

    private static Timestamp? TimeOrNone(JsonElement decoded, string name) =>
        decoded.Number(name) is { } micros ? new Timestamp(micros) : null;

    public static long Parse(JsonElement number) =>
        long.Parse(number.GetString()!, System.Globalization.CultureInfo.InvariantCulture);
}

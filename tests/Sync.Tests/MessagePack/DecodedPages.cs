using System.Text.Json;
using Sync.Contracts;

namespace Sync.Tests.MessagePack;

/// <summary>The decoded form of requests and pages of collections, as <see cref="Decoded"/>.</summary>
internal static class DecodedPages
{
    public static SnapshotRequest SnapshotRequest(JsonElement decoded) => new(
        decoded.GetProperty("feed").ValueKind == JsonValueKind.Null ? null : new FeedId(decoded.GetProperty("feed").GetInt32()),
        Key(decoded.GetProperty("after")), decoded.GetProperty("limit").GetInt32());

    public static SnapshotPage Snapshot(JsonElement decoded) => new()
    {
        Feeds = decoded.GetProperty("feeds").GetInt32(),
        Feed = new(decoded.GetProperty("feed").GetInt32()),
        History = new(decoded.Number("history")!.Value),
        Floor = new(decoded.Number("floor")!.Value),
        Position = new(decoded.Number("position")!.Value),
        Envelopes = [.. decoded.GetProperty("envelopes").EnumerateArray().Select(Decoded.Envelope)],
        Collections = [.. decoded.GetProperty("collections").EnumerateArray().Select(entry =>
            new CollectionEntry(entry[0].GetString()!, entry[1].GetString()!, new(Decoded.Parse(entry[2]))))],
        More = decoded.GetProperty("more").GetBoolean(),
        NextEnd = decoded.TryGetProperty("next_end", out var end) ? Key(end) : null,
    };

    public static ChangesRequest ChangesRequest(JsonElement decoded) => new(
        new(decoded.GetProperty("feed").GetInt32()), new(decoded.Number("after")!.Value), decoded.GetProperty("limit").GetInt32());

    public static ChangesPage Changes(JsonElement decoded) => new()
    {
        Feed = new(decoded.GetProperty("feed").GetInt32()),
        History = new(decoded.Number("history")!.Value),
        Floor = new(decoded.Number("floor")!.Value),
        Position = new(decoded.Number("position")!.Value),
        Through = new(decoded.Number("through")!.Value),
        Envelopes = [.. decoded.GetProperty("envelopes").EnumerateArray().Select(Decoded.Envelope)],
    };

    public static VaultsRequest VaultsRequest(JsonElement decoded) =>
        new(decoded.Text("after"), decoded.Text("collection"), decoded.GetProperty("limit").GetInt32());

    public static VaultsPage Vaults(JsonElement decoded) => new()
    {
        History = new(decoded.Number("history")!.Value),
        Vaults = [.. decoded.GetProperty("vaults").EnumerateArray().Select(entry =>
            new VaultEntry(entry[0].GetString()!, new(entry[1].GetInt32()), new(Decoded.Parse(entry[2]))))],
        More = decoded.GetProperty("more").GetBoolean(),
    };

    private static SyncedKey? Key(JsonElement parts) => parts.ValueKind == JsonValueKind.Null
        ? null
        : new SyncedKey(parts[0].GetString()!, parts[1].GetString()!, parts[2].GetString()!);
}

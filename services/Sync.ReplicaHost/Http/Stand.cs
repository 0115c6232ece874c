using System.Globalization;
using System.Text.Json;
using Sync.Contracts;
using Sync.Http.Json;
using Sync.ReplicaHost.Engine;
using Sync.Replication;
using Held = Sync.Replication.CollectionReplica<System.ReadOnlyMemory<byte>>;

namespace Sync.ReplicaHost.Http;

/// <summary>How what is answered stands: in headers of every answer with records, and in the status.</summary>
internal static class Stand
{
    public static string TextOf(CollectionStatus status) => status switch
    {
        CollectionStatus.Ok => "ok",
        CollectionStatus.Skew => "skew",
        CollectionStatus.Refetching => "refetching",
        CollectionStatus.Stale => "stale",
        CollectionStatus.Loading => "loading",
        _ => "full",
    };

    /// <summary>Writes <c>Sync-Status</c>, <c>Sync-Position</c> and <c>Sync-Known-At</c>: those of the feed, when it is
    /// known which.</summary>
    /// <param name="response">The answer.</param>
    /// <param name="held">The scope.</param>
    /// <param name="feed">The feed of the records; null = not known, then that of a scope which has one only.</param>
    public static CollectionFeed? WriteHeaders(HttpResponse response, Held held, FeedId? feed)
    {
        var stand = FeedOf(held.Feeds, feed);
        response.Headers["Sync-Status"] = TextOf(stand?.Status ?? held.Status);
        if (stand?.Freshness is not { IsKnown: true } freshness) return null;
        response.Headers["Sync-Position"] = FeedCursor.ToText(freshness.AsOf);
        response.Headers["Sync-Known-At"] =
            freshness.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        return stand;
    }

    private static CollectionFeed? FeedOf(IReadOnlyList<CollectionFeed> feeds, FeedId? feed)
    {
        if (feeds.Count == 1) return feeds[0];
        foreach (var one in feeds)
            if (feed is not null && one.Feed == feed) return one;
        return null;
    }

    /// <summary>Writes a feed's members into an object.</summary>
    public static void Write(Utf8JsonWriter json, CollectionFeed feed)
    {
        json.WriteStartObject();
        if (feed.Feed is { } number) json.WriteNumber("feed"u8, number.Value);
        else json.WriteNull("feed"u8);
        json.WriteString("status"u8, TextOf(feed.Status));
        if (feed.Freshness is { IsKnown: true } freshness)
        {
            json.WriteNumber("history"u8, freshness.AsOf.History.Value);
            json.WriteNumber("position"u8, freshness.AsOf.Position.Value);
            Scalars.WriteTime(json, "known_at"u8, Timestamp.From(freshness.Time));
            json.WriteBoolean("current"u8, freshness.IsCurrent);
        }
        json.WriteEndObject();
    }
}

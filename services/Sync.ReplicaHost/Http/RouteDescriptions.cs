using Microsoft.AspNetCore.OpenApi;
using Sync.Http;

namespace Sync.ReplicaHost.Http;

/// <summary>The descriptions of the routes.</summary>
internal static class RouteDescriptions
{
    private static readonly string[] Values = [MediaTypes.Json, MediaTypes.MessagePack];

    private static readonly RouteInput[] Names =
    [
        new("vault", "path", "1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot."),
        new("collection", "path", "As the vault."),
    ];

    private static readonly RouteInput[] Page =
    [
        new("after", "query", "Start behind this name."), new("limit", "query", "1 to 1,000; 100 unless given."),
    ];

    private static readonly RouteAnswer Malformed = Problem(400, "malformed-request, invalid-name");
    private static readonly RouteAnswer NotAcceptable = Problem(406, "not-acceptable");
    private static readonly RouteAnswer NotFollowed = Problem(404, "not-followed");
    private static readonly RouteAnswer Loading = Problem(503, "loading; with Retry-After");

    public static readonly RouteDescription Get = new(
        "getRecord", "A record as it is held.",
        [
            .. Names, new("key", "path", "1 to 512 bytes of UTF-8, percent-encoded (also / as %2F)."),
            new("If-None-Match", "header", "Sequences already known: 304."),
        ], [],
        [
            new(200, "The envelope; ETag is its sequence; Sync-Status, Sync-Position and Sync-Known-At tell how fresh.",
                Values),
            new(304, "Not changed."), Malformed, Problem(404, "not-found, not-followed"), NotAcceptable, Loading,
        ]);

    public static readonly RouteDescription List = new(
        "listRecords", "A page of records in the order of their keys' UTF-8 bytes.", [.. Names, .. Page], [],
        [new(200, "The page and how fresh it is.", Values), Malformed, NotFollowed, NotAcceptable, Loading]);

    public static readonly RouteDescription Vaults = new(
        "listVaults", "The vaults that are held, with their collections.",
        [new("group", "query", "Only shards of this group."), .. Page], [],
        [new(200, "The page.", Values), Malformed, NotAcceptable]);

    public static readonly RouteDescription Digest = new(
        "getDigest", "What two holders of a collection compare.", Names, [],
        [new(200, "Count, position, digest.", Values), Malformed, NotFollowed, NotAcceptable, Loading]);

    public static readonly RouteDescription Stream = new(
        "getStream", "What is held, then its changes, as Server-Sent Events.",
        [
            new("vault", "query", "Of this vault."), new("group", "query", "Or of this group."),
            new("collection", "query", "Only this collection."),
            new("ticket", "query", "In place of a token: from POST /v1/tickets with the same query."),
        ], [],
        [
            new(200, "Events snapshot, ready, put, delete, reset.", "text/event-stream"), Malformed, NotFollowed,
            Problem(503, "overloaded; with Retry-After"),
        ]);

    public static readonly RouteDescription Status = new(
        "getStatus", "Scopes, feeds, freshness, counters, refused keys, streams.", [], [],
        [new(200, "The status.", MediaTypes.Json)]);

    public static readonly RouteDescription Health = new(
        "getHealth", "Liveness.", [], [], [new(200, "The process serves.", MediaTypes.Json)]);

    public static readonly RouteDescription Ready = new(
        "getReadiness", "Readiness: the broker, each scope.", [], [],
        [new(200, "ready, or degraded.", MediaTypes.Json), new(503, "failing.", MediaTypes.Json)]);

    public static void AddTo(OpenApiOptions options) => OpenApiDescriptions.Add(
        options, "Sync replica host",
        "Serves what it follows. Errors are RFC 9457 problems whose type starts with "
        + $"{Sync.Hosting.Problem.TypePrefix}; docs/PROTOCOL.md lists them.");

    private static RouteAnswer Problem(int status, string codes) =>
        new(status, codes, Sync.Hosting.Problem.MediaType);
}

using Microsoft.AspNetCore.OpenApi;
using Sync.Http;

namespace Sync.Writer.Http;

/// <summary>The descriptions, and how they become OpenAPI.</summary>
internal static class RouteDescriptions
{
    private static readonly string[] Values = [MediaTypes.Json, MediaTypes.MessagePack];

    private static readonly RouteInput[] Names =
    [
        new("vault", "path", "1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot."),
        new("collection", "path", "As the vault."),
    ];

    private static readonly RouteInput[] Key =
    [
        .. Names,
        new("key", "path", "1 to 512 bytes of UTF-8 without control characters, percent-encoded (also / as %2F)."),
    ];

    private static readonly RouteInput[] WriteHeaders =
    [
        new("Sync-Schema-Version", "header", "major.minor; 1.0 unless given."),
        new("If-Match", "header", "Expected last sequence, tombstones counted: \"7\"; \"0\" = no fact ever."),
        new("If-None-Match", "header", "* = only when there is no live record."),
        new("Idempotency-Key", "header", "1 to 128 bytes: the write commits once; a repeat gets the first receipt."),
        new("Sync-Valid-Time", "header", "The producer's own time, RFC 3339."),
        new("Sync-Producer", "header", "type:name of who writes."),
    ];

    private static readonly RouteAnswer Malformed = Problem(400, "malformed-request, invalid-name");
    private static readonly RouteAnswer NotAcceptable = Problem(406, "not-acceptable");
    private static readonly RouteAnswer Unavailable =
        Problem(503, "no-owner, overloaded, shutting-down, ledger-unavailable, unknown-outcome; with Retry-After");

    private static readonly RouteAnswer[] WriteProblems =
    [
        Malformed, NotAcceptable,
            Problem(412, "expected-sequence-differs (with the current envelope), live-record-exists"),
        Problem(413, "too-large"), Problem(415, "unsupported-media-type"),
        Problem(422, "invalid-value, invalid-schema-version, idempotency-key-reused, data-error"), Unavailable,
    ];

    public static readonly RouteDescription Put = new(
        "putRecord", "Commit a value.", [.. Key, .. WriteHeaders], Values,
        [
            new(200, "Committed, or the first receipt again (Sync-Replayed: true); ETag is the sequence.", Values),
            new(201, "Committed as the key's first fact.", Values), .. WriteProblems,
        ]);

    public static readonly RouteDescription Delete = new(
        "deleteRecord", "Commit a tombstone.", [.. Key, .. WriteHeaders], [],
        [new(200, "Committed.", Values), Problem(404, "no-live-record"), .. WriteProblems]);

    public static readonly RouteDescription Append = new(
        "appendEvent", "Append an event to a History.",
        [
            .. Names, new("key", "query", "The event's key; its fact's id unless given."), .. WriteHeaders,
            new("Sync-Causation", "header", "The id of the fact that caused the event."),
        ], Values,
        [
            new(201, "Appended, or the first receipt again (Sync-Replayed: true).", Values),
            Problem(409, "wrong-shape: the collection is a Store, or the key holds an event"), .. WriteProblems,
        ]);

    public static readonly RouteDescription Get = new(
        "getRecord", "The current envelope, or one of the past.",
        [
            .. Key, new("as_of", "query", "RFC 3339: as of that moment."),
                new("sequence", "query", "As of that sequence."),
            new("If-None-Match", "header", "Sequences already known: 304."),
        ], [],
        [
            new(200, "The envelope; ETag is its sequence.", Values), new(304, "Not changed."), Malformed,
            Problem(404, "not-found; a tombstone has an ETag"), NotAcceptable, Unavailable,
        ]);

    public static readonly RouteDescription List = new(
        "listRecords", "A page of live records in the order of their keys' UTF-8 bytes.",
        [.. Names, .. Page("a key"), new("as_of", "query", "RFC 3339: as of that moment.")], [],
        [new(200, "The page and the position it stands at.", Values), Malformed, NotAcceptable, Unavailable]);

    public static readonly RouteDescription History = new(
        "getHistory", "A key's facts, oldest first.", [.. Key, .. Page("a sequence")], [],
        [new(200, "The page.", Values), Malformed, NotAcceptable, Unavailable]);

    public static readonly RouteDescription Facts = new(
        "getFacts", "A window of a feed, with everything that the hash chain covers.",
        [
            new("feed", "query", "The feed; may be left out when vault is given."),
            new("from", "query", "First position, or an RFC 3339 time."),
                new("to", "query", "Last position, or an RFC 3339 time."),
            new("vault", "query", "Only this vault."),
                new("collection", "query", "Only this collection; needs vault."),
            new("prefix", "query", "Only keys that start so; needs collection."),
                new("limit", "query", "1 to 1,000; 100 unless given."),
        ], [],
        [new(200, "The page; next is the from of the next one.", Values), Malformed, NotAcceptable, Unavailable]);

    public static readonly RouteDescription Events = new(
        "streamEvents", "The changes of a feed as Server-Sent Events; the id of a block is the cursor behind it.",
        [
            new("vault", "query", "Only this vault, in its feed."), new("feed", "query", "The feed; needed without vault."),
            new("group", "query", "Only shard vaults of this group; needs feed."),
            new("collection", "query", "Only this collection; needs vault or group."),
            new("cursor", "query", "Begin behind this."),
            new("Last-Event-ID", "header", "As cursor, and goes before it."),
            new("from", "query", "Without a cursor: now (default), or beginning."),
            new("policy", "query", "Far behind: disconnect (default: every change comes) or latest (skip to the head)."),
        ], [],
        [
            new(200, "Blocks named change (an envelope as JSON), reset, dropped; without a name only the cursor moves.",
                "text/event-stream"),
            Malformed, Unavailable,
        ]);

    public static readonly RouteDescription Digest = new(
        "getDigest", "Count, last change and digest of a collection's live records; digests compare at equal positions.",
        Names, [], [new(200, "The digest.", Values), Malformed, NotAcceptable, Unavailable]);

    public static readonly RouteDescription Vaults = new(
        "listVaults", "The shard vaults of a group in the order of their names, each with its feed and last change.",
        [
            new("group", "query", "The group; required."), .. Page("a vault"),
            new("collection", "query", "Only vaults that have this collection, with its last change."),
        ], [],
        [new(200, "The page; next is the after of the next one.", Values), Malformed, NotAcceptable, Unavailable]);

    public static readonly RouteDescription Batch = new(
        "postBatch", "A stream of writes, one JSON object a line; receipts or problems come back in the same order.",
        [
            new("atomic", "query", "true = all or nothing: one feed, at most 1,000 lines and 4 MiB."),
            new("Sync-Producer", "header", "type:name for lines that name none."),
        ], [MediaTypes.Ndjson],
        [
            new(200, "A receipt or a problem for each line.", MediaTypes.Ndjson), Malformed,
            Problem(412, "atomic only: expected-sequence-differs, live-record-exists"), Problem(413, "too-large"),
            Problem(415, "unsupported-media-type"), Problem(422, "atomic only: invalid-batch and those of a line"),
                Unavailable,
        ]);

    public static readonly RouteDescription CreateToken = new(
        "createToken", "Make a token: {label, scopes, expires_in (seconds; 90 days unless given), purpose}.", [],
        [MediaTypes.Json],
        [
            new(201, "The token, shown this once, and what is known of it.", MediaTypes.Json), Malformed,
            Problem(409, "access-open, tokens-full"), Problem(413, "too-large"), Problem(415, "unsupported-media-type"), Unavailable,
        ]);

    public static readonly RouteDescription ListTokens = new(
        "listTokens", "Tokens in the order of their ids; neither their texts nor their hashes.", Page("an id"), [],
        [new(200, "The page; next is the after of the next one.", MediaTypes.Json), Malformed, Problem(409, "access-open")]);

    public static readonly RouteDescription RevokeToken = new(
        "revokeToken", "Revoke a token; repeating it is fine.",
        [new("id", "path", "The token's id: 16 characters behind sync_.")], [],
        [
            new(200, "It is revoked.", MediaTypes.Json), Malformed, Problem(404, "not-found"), Problem(409, "access-open"),
            Unavailable,
        ]);

    public static readonly RouteDescription Status = new(
        "getStatus", "Feeds, positions, epochs, owners, version.", [], [],
            [new(200, "The status.", MediaTypes.Json), Unavailable]);

    public static readonly RouteDescription Health = new(
        "getHealth", "Liveness.", [], [], [new(200, "The process serves.", MediaTypes.Json)]);

    public static readonly RouteDescription Ready = new(
        "getReadiness", "Readiness: database, broker, lease.", [], [],
        [new(200, "ready, or degraded.", MediaTypes.Json), new(503, "failing.", MediaTypes.Json)]);

    public static void AddTo(OpenApiOptions options) => OpenApiDescriptions.Add(
        options, "Sync writer",
        "Commits sequenced records. Errors are RFC 9457 problems whose type starts with "
        + $"{Sync.Hosting.Problem.TypePrefix}; docs/PROTOCOL.md lists them.");

    private static RouteAnswer Problem(int status, string codes) => new(status, codes, Hosting.Problem.MediaType);

    private static RouteInput[] Page(string what) =>
    [
        new("after", "query", $"Start behind {what}."), new("limit", "query", "1 to 1,000; 100 unless given."),
    ];
}

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http;
using Sync.Http.Access;
using Sync.Http.Json;
using Sync.MessagePack;
using Sync.Writer.Engine;

namespace Sync.Writer.Http;

/// <summary>The changefeed as Server-Sent Events (docs/PROTOCOL.md, Events).</summary>
internal sealed class EventRoutes(WriterEngine engine, EventStreams streams)
{
    public async Task StreamAsync(HttpContext context)
    {
        if (TryRead(context.Request, out var wanted) is { } problem)
        {
            await problem.AnswerAsync(context);
            return;
        }
        await streams.RunAsync(context, BlocksAsync(wanted!, context.Identity()));
    }

    private async IAsyncEnumerable<ServerEvent> BlocksAsync(
        FeedRequest request, AccessIdentity who, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await foreach (var told in engine.Changefeed.ReadAsync(request, cancellation)) yield return BlockOf(told, who);
    }

    private static ServerEvent BlockOf(FeedEvent told, AccessIdentity who)
    {
        var id = FeedCursor.ToText(told.At);
        return told switch
        {
            // Only a stream of a whole feed comes across one that it may not show: the cursor moves on.
            FeedEvent.Change { Envelope.Key: { Vault: AccessScope.TokenVault } key }
                when !who.Covers(AccessAction.Read, AccessTarget.OfVault(key.Vault, key.Collection)) => new ServerEvent(id),
            FeedEvent.Change change => new ServerEvent(id, "change", Bytes(change.Envelope)),
            FeedEvent.Reset reset => new ServerEvent(id, "reset", Json(json =>
            {
                json.WriteString("reason"u8, NameOf(reset.Reason));
                json.WriteString("head"u8, FeedCursor.ToText(reset.Head));
            })),
            FeedEvent.Dropped dropped => new ServerEvent(id, "dropped", Json(json =>
            {
                json.WriteString("after"u8, FeedCursor.ToText(dropped.After));
                json.WriteString("next"u8, FeedCursor.ToText(dropped.Next));
            })),
            _ => new ServerEvent(id),
        };
    }

    // The form that gives a reader the very same value bytes back.
    private static ReadOnlyMemory<byte> Bytes(Envelope envelope)
    {
        var buffer = new ArrayBufferWriter<byte>((envelope.Value.Length * 2) + 512);
        JsonEnvelopeCodec.Default.Encode(envelope, buffer);
        return buffer.WrittenMemory;
    }

    private static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using var json = new Utf8JsonWriter(buffer, Scalars.Options);
        json.WriteStartObject();
        members(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static string NameOf(ResetReason reason) => reason switch
    {
        ResetReason.Expired => "expired",
        ResetReason.Ahead => "ahead",
        _ => "other-history",
    };

    private static Problem? TryRead(HttpRequest request, out FeedRequest? wanted)
    {
        wanted = null;
        if (Queries.RefuseUnknown(
                request, "vault", "feed", "group", "collection", "cursor", "from", "policy") is { } unknown)
            return unknown;
        if (Queries.TryNumber(request, "feed", 0, Feeds.CountMax - 1, out var feed) is { } wrongFeed) return wrongFeed;
        if (TryCursor(request, out var after) is { } wrongCursor) return wrongCursor;
        var (from, policy) = (Queries.Text(request, "from"), Queries.Text(request, "policy"));
        if (from is not (null or "beginning" or "now"))
            return CommonProblems.Malformed("from must be beginning or now.");
        if (policy is not (null or "disconnect" or "latest"))
            return CommonProblems.Malformed("policy must be disconnect or latest.");
        var filter = new FeedFilter(
            feed is { } number ? new FeedId((int)number) : null, Queries.Text(request, "group"),
            Queries.Text(request, "vault"), Queries.Text(request, "collection"));
        wanted = new FeedRequest(
            filter, after, from == "beginning" && after is null,
            policy == "latest" ? DeliveryPolicy.DropToLatest : DeliveryPolicy.Disconnect);
        return wanted.Check() is { } wrong ? CommonProblems.Malformed(wrong + ".") : null;
    }

    // A browser that comes back names its last block in a header, and repeats the query of its first request.
    private static Problem? TryCursor(HttpRequest request, out FeedPosition? cursor)
    {
        cursor = null;
        var header = request.Headers["Last-Event-ID"];
        if (header.Count > 1)
            return CommonProblems.Malformed($"Last-Event-ID is given {header.Count} times; give it once.");
        return TryCursor(Queries.Text(request, "cursor"), "cursor", ref cursor)
            ?? (header.Count == 0 ? null : TryCursor(header[0] ?? "", "Last-Event-ID", ref cursor));
    }

    private static Problem? TryCursor(string? text, string name, ref FeedPosition? cursor)
    {
        if (text is null) return null;
        if (!FeedCursor.TryParse(text, out var read))
            return CommonProblems.Malformed(
                $"{name} is not a cursor; give the id of a block of this stream, or none to begin from now.");
        cursor = read;
        return null;
    }
}

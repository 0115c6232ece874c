using System.Text.Json;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Client.Changefeeds;

/// <summary>What the blocks of <c>/v1/events</c> say (docs/PROTOCOL.md, Events).</summary>
internal static class FeedBlocks
{
    /// <returns>Null when the block says nothing about the feed.</returns>
    /// <exception cref="SyncException">It cannot be read.</exception>
    public static FeedEvent? Read(EventBlock block)
    {
        if (block.Id is null) return null;
        if (!FeedCursor.TryParse(block.Id, out var cursor))
            throw Corrupt($"'{block.Id[..Math.Min(40, block.Id.Length)]}' is no cursor");
        switch (block.Name)
        {
            case "change":
                var envelope = JsonEnvelopeCodec.Default.Decode(block.Data);
                if (!envelope.IsOk) throw Corrupt(envelope.Error!);
                var change = new FeedEvent.Change(envelope.Value);
                return change.At == cursor ? change : throw Corrupt($"the change at {change.At} came under the cursor {cursor}");
            case "reset":
                return new FeedEvent.Reset(ReasonOf(Text(block.Data, "reason")), cursor);
            case "dropped":
                return FeedCursor.TryParse(Text(block.Data, "after"), out var after)
                    ? new FeedEvent.Dropped(after, cursor)
                    : throw Corrupt("it does not say behind which cursor changes were dropped");
            default:
                // Also a name that a later writer may add: its cursor still counts.
                return new FeedEvent.Reached(cursor);
        }
    }

    private static ResetReason ReasonOf(string? reason) => reason switch
    {
        "expired" => ResetReason.Expired,
        "ahead" => ResetReason.Ahead,
        "other-history" => ResetReason.OtherHistory,
        _ => throw Corrupt($"'{reason}' is no reason of a reset"),
    };

    private static string? Text(byte[] json, string member)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.GetProperty(member).GetString();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw Corrupt(error.Message);
        }
    }

    private static SyncException Corrupt(string what) =>
        new(SyncErrorCode.Corrupt, "an event of the writer cannot be read: " + what);
}

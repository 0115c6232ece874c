using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Request and reply of <c>sync.snapshot</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class SnapshotCodec
{
    private const int AskedFeed = 0, After = 1, Limit = 2;
    private const int Feeds = 0, Feed = 1, History = 2, Floor = 3, Position = 4, Envelopes = 5, Collections = 6, More = 7, NextEnd = 8;
    private const int LimitDefault = 1000;

    private static readonly FieldNames RequestNames = new("snapshot request", "feed", "after", "limit");

    private static readonly FieldNames PageNames =
        new("snapshot page", "feeds", "feed", "history", "floor", "position", "envelopes", "collections", "more", "next_end");

    /// <summary>Writes the request.</summary>
    public static void Encode(SnapshotRequest request, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(RequestNames.Count);
        writer.WriteString(RequestNames[AskedFeed]);
        if (request.Feed is { } feed) writer.WriteInteger(feed.Value);
        else writer.WriteNil();
        writer.WriteString(RequestNames[After]);
        if (request.After is { } after) WriteKey(ref writer, after);
        else writer.WriteNil();
        PageWriter.WriteInteger(ref writer, RequestNames, Limit, request.Limit);
        writer.Flush();
    }

    /// <summary>Reads the request; an absent field or nil has its default (no feed, from the first, 1,000). Names are not checked:
    /// whoever asks a store does. Never throws for bad input.</summary>
    public static ParseResult<SnapshotRequest> DecodeRequest(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        long feed = -1, limit = LimitDefault;
        SyncedKey? after = null;
        if (MapCursor.TryBegin(ref reader, RequestNames, out var map))
        {
            while (map.TryNext(ref reader, out var field))
            {
                if (reader.TrySkipNil()) continue;
                var ok = field switch
                {
                    AskedFeed => reader.TryReadInt64(0, Contracts.Feeds.CountMax - 1, out feed),
                    After => TryReadKey(ref reader, out after),
                    _ => reader.TryReadInt64(1, SnapshotRequest.LimitMax, out limit),
                };
                if (!ok) break;
            }
        }
        return reader.TryEnd()
            ? ParseResult<SnapshotRequest>.Ok(new SnapshotRequest(feed < 0 ? null : new FeedId((int)feed), after, (int)limit))
            : ParseResult<SnapshotRequest>.Err(map.Describe(reader.Error));
    }

    /// <summary>Writes the reply, cut to a size: at least one record is written, and <c>more</c> says that it was cut. Of the
    /// collections those of the written range, as many as fit.</summary>
    /// <param name="page">At most <see cref="SnapshotRequest.LimitMax"/> records.</param>
    /// <param name="bytesMax">Most bytes; more only when the first record alone takes more.</param>
    public static byte[] Encode(SnapshotPage page, int bytesMax = int.MaxValue)
    {
        using var buffer = PageWriter.RentFor(page.Envelopes, bytesMax);
        Write(buffer, page, bytesMax);
        return PageWriter.ToArray(buffer);
    }

    /// <summary>As <see cref="Encode(SnapshotPage, int)"/>, into pooled memory.</summary>
    public static RentedBytes EncodeRented(SnapshotPage page, int bytesMax)
    {
        using var buffer = PageWriter.RentFor(page.Envelopes, bytesMax);
        Write(buffer, page, bytesMax);
        return new RentedBytes(buffer.Written);
    }

    private static void Write(PooledBytes buffer, SnapshotPage page, int bytesMax)
    {
        var writer = new MsgPackWriter(buffer);
        writer.WriteMapHeader(page.NextEnd is null ? NextEnd : PageNames.Count);
        PageWriter.WriteInteger(ref writer, PageNames, Feeds, page.Feeds);
        PageWriter.WriteInteger(ref writer, PageNames, Feed, page.Feed.Value);
        PageWriter.WriteInteger(ref writer, PageNames, History, page.History.Value);
        PageWriter.WriteInteger(ref writer, PageNames, Floor, page.Floor.Value);
        PageWriter.WriteInteger(ref writer, PageNames, Position, page.Position.Value);
        writer.WriteString(PageNames[Envelopes]);
        writer.Flush();
        var entries = new CollectionEntries(page.Collections);
        var written = PageWriter.WriteEnvelopes(buffer, page.Envelopes, bytesMax, entries);
        var isCut = written < page.Envelopes.Count;
        writer = new MsgPackWriter(buffer);
        writer.WriteString(PageNames[Collections]);
        writer.Flush();
        entries.Write(buffer, isCut, bytesMax);
        writer = new MsgPackWriter(buffer);
        writer.WriteString(PageNames[More]);
        writer.WriteBoolean(page.More || isCut);
        writer.Flush();
        if (page.NextEnd is { } end) WriteNextEnd(buffer, end, isCut ? 0 : bytesMax);
    }

    // The guess is of what lies behind the whole page, and is worth no more bytes than there are.
    private static void WriteNextEnd(PooledBytes buffer, SyncedKey end, int bytesMax)
    {
        var writer = new MsgPackWriter(buffer);
        writer.WriteString(PageNames[NextEnd]);
        writer.Flush();
        var mark = buffer.Count;
        writer = new MsgPackWriter(buffer);
        WriteKey(ref writer, end);
        writer.Flush();
        if (buffer.Count <= bytesMax) return;
        buffer.CutTo(mark);
        writer = new MsgPackWriter(buffer);
        writer.WriteNil();
        writer.Flush();
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<SnapshotPage> DecodePage(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var page = ReadPage(ref reader, ref context);
        return page is not null && reader.TryEnd()
            ? ParseResult<SnapshotPage>.Ok(page)
            : ParseResult<SnapshotPage>.Err(context ?? PageNames.Describe(reader.Error, -1));
    }

    private static SnapshotPage? ReadPage(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, PageNames, out var map)) return null;
        long feeds = 0, feed = 0, history = 0, floor = 0, position = 0;
        Envelope[] envelopes = [];
        CollectionEntry[] collections = [];
        SyncedKey? nextEnd = null;
        var more = false;
        while (map.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Feeds => reader.TryReadInt64(1, Contracts.Feeds.CountMax, out feeds),
                Feed => reader.TryReadInt64(0, Contracts.Feeds.CountMax - 1, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Floor => reader.TryReadInt64(0, long.MaxValue, out floor),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Envelopes => PageReader.TryReadEnvelopes(
                    ref reader, PageNames.Message, SnapshotRequest.LimitMax, out envelopes, ref context),
                Collections => CollectionEntries.TryRead(ref reader, out collections),
                More => reader.TryReadBoolean(out more),
                _ => reader.TrySkipNil() || TryReadKey(ref reader, out nextEnd),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        for (var field = 0; field <= More && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        // Without a record there is nothing to ask behind: a reader would ask for the same page for ever.
        if (more && envelopes.Length == 0) reader.Fail("more, and no record to ask behind");
        if (!reader.Error.IsNone) return null;
        return new SnapshotPage
        {
            Feeds = (int)feeds,
            Feed = new((int)feed),
            History = new(history),
            Floor = new(floor),
            Position = new(position),
            Envelopes = envelopes,
            Collections = collections,
            More = more,
            NextEnd = nextEnd,
        };
    }

    private static void WriteKey(ref MsgPackWriter writer, SyncedKey key)
    {
        writer.WriteArrayHeader(3);
        writer.WriteString(key.Vault);
        writer.WriteString(key.Collection);
        writer.WriteString(key.Key);
    }

    private static bool TryReadKey(ref MsgPackReader reader, out SyncedKey? key)
    {
        key = null;
        if (!PageReader.TryReadParts(ref reader, 3) || !reader.TryReadString(out var vault)
            || !reader.TryReadString(out var collection) || !reader.TryReadString(out var name)) return false;
        key = new SyncedKey(vault, collection, name);
        return true;
    }
}

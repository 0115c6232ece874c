using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Request and reply of <c>sync.changes</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class ChangesCodec
{
    private const int AskedFeed = 0, After = 1, Limit = 2;
    private const int Feed = 0, History = 1, Floor = 2, Position = 3, Envelopes = 4, Through = 5;
    private const int LimitDefault = 1000;

    private static readonly FieldNames RequestNames = new("changes request", "feed", "after", "limit");

    private static readonly FieldNames PageNames =
        new("changes page", "feed", "history", "floor", "position", "envelopes", "through");

    /// <summary>Writes the request.</summary>
    public static void Encode(ChangesRequest request, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(RequestNames.Count);
        PageWriter.WriteInteger(ref writer, RequestNames, AskedFeed, request.Feed.Value);
        PageWriter.WriteInteger(ref writer, RequestNames, After, request.After.Value);
        PageWriter.WriteInteger(ref writer, RequestNames, Limit, request.Limit);
        writer.Flush();
    }

    /// <summary>Reads the request; the feed is required, other absent fields or nil have their defaults (0, 1,000). Never throws for
    /// bad input.</summary>
    public static ParseResult<ChangesRequest> DecodeRequest(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        long feed = 0, after = 0, limit = LimitDefault;
        if (MapCursor.TryBegin(ref reader, RequestNames, out var map))
        {
            while (map.TryNext(ref reader, out var field))
            {
                if (field != AskedFeed && reader.TrySkipNil()) continue;
                var ok = field switch
                {
                    AskedFeed => reader.TryReadInt64(0, Feeds.CountMax - 1, out feed),
                    After => reader.TryReadInt64(0, long.MaxValue, out after),
                    _ => reader.TryReadInt64(1, ChangesRequest.LimitMax, out limit),
                };
                if (!ok) break;
            }
            if (reader.Error.IsNone) map.TryRequire(ref reader, AskedFeed);
        }
        return reader.TryEnd()
            ? ParseResult<ChangesRequest>.Ok(new ChangesRequest(new((int)feed), new(after), (int)limit))
            : ParseResult<ChangesRequest>.Err(map.Describe(reader.Error));
    }

    /// <summary>Writes the reply, cut to a size: at least one change is written, and <c>through</c> ends with the last one.</summary>
    /// <param name="page">At most <see cref="ChangesRequest.LimitMax"/> changes.</param>
    /// <param name="bytesMax">Most bytes; more only when the first change alone takes more.</param>
    public static byte[] Encode(ChangesPage page, int bytesMax = int.MaxValue)
    {
        using var buffer = PooledBytes.Rent(4096);
        var writer = new MsgPackWriter(buffer);
        writer.WriteMapHeader(PageNames.Count);
        PageWriter.WriteInteger(ref writer, PageNames, Feed, page.Feed.Value);
        PageWriter.WriteInteger(ref writer, PageNames, History, page.History.Value);
        PageWriter.WriteInteger(ref writer, PageNames, Floor, page.Floor.Value);
        PageWriter.WriteInteger(ref writer, PageNames, Position, page.Position.Value);
        writer.WriteString(PageNames[Envelopes]);
        writer.Flush();
        var written = PageWriter.WriteEnvelopes(buffer, page.Envelopes, bytesMax);
        var through = written < page.Envelopes.Count ? page.Envelopes[written - 1].Position : page.Through;
        writer = new MsgPackWriter(buffer);
        PageWriter.WriteInteger(ref writer, PageNames, Through, through.Value);
        writer.Flush();
        return PageWriter.ToArray(buffer);
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<ChangesPage> DecodePage(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var page = ReadPage(ref reader, ref context);
        return page is not null && reader.TryEnd()
            ? ParseResult<ChangesPage>.Ok(page)
            : ParseResult<ChangesPage>.Err(context ?? PageNames.Describe(reader.Error, -1));
    }

    private static ChangesPage? ReadPage(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, PageNames, out var map)) return null;
        long feed = 0, history = 0, floor = 0, position = 0, through = 0;
        Envelope[] envelopes = [];
        while (map.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Feed => reader.TryReadInt64(0, Feeds.CountMax - 1, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Floor => reader.TryReadInt64(0, long.MaxValue, out floor),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Through => reader.TryReadInt64(0, long.MaxValue, out through),
                _ => PageReader.TryReadEnvelopes(
                    ref reader, PageNames.Message, ChangesRequest.LimitMax, out envelopes, ref context),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        for (var field = 0; field < PageNames.Count && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        if (!reader.Error.IsNone) return null;
        return new ChangesPage
        {
            Feed = new((int)feed),
            History = new(history),
            Floor = new(floor),
            Position = new(position),
            Through = new(through),
            Envelopes = envelopes,
        };
    }
}

using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Request and reply of <c>sync.history</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class HistoryCodec
{
    private const int After = 0, Limit = 1;
    private const int Feed = 0, History = 1, Floor = 2, Position = 3, Facts = 4, More = 5;

    private static readonly FieldNames RequestNames = new("history request", "after", "limit");

    private static readonly FieldNames PageNames =
        new("history page", "feed", "history", "floor", "position", "facts", "more");

    private static readonly TextCache Texts = new();

    /// <summary>Writes the request.</summary>
    public static void Encode(HistoryRequest request, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(RequestNames.Count);
        WriteInteger(ref writer, RequestNames, After, request.After.Value);
        WriteInteger(ref writer, RequestNames, Limit, request.Limit);
        writer.Flush();
    }

    /// <summary>Reads the request; an absent field has its default (0, <see cref="HistoryRequest.LimitDefault"/>).
    /// Never throws for bad input.</summary>
    public static ParseResult<HistoryRequest> DecodeRequest(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        long after = 0, limit = HistoryRequest.LimitDefault;
        if (MapCursor.TryBegin(ref reader, RequestNames, out var map))
        {
            while (map.TryNext(ref reader, out var field))
            {
                var ok = field == After
                    ? reader.TryReadInt64(0, long.MaxValue, out after)
                    : reader.TryReadInt64(1, HistoryRequest.LimitMax, out limit);
                if (!ok) break;
            }
        }
        return reader.TryEnd()
            ? ParseResult<HistoryRequest>.Ok(new HistoryRequest(new(after), (int)limit))
            : ParseResult<HistoryRequest>.Err(map.Describe(reader.Error));
    }

    /// <summary>Writes the reply.</summary>
    public static void Encode(HistoryPage page, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(PageNames.Count);
        WriteInteger(ref writer, PageNames, Feed, page.Feed.Value);
        WriteInteger(ref writer, PageNames, History, page.History.Value);
        WriteInteger(ref writer, PageNames, Floor, page.Floor.Value);
        WriteInteger(ref writer, PageNames, Position, page.Position.Value);
        writer.WriteString(PageNames[Facts]);
        writer.WriteArrayHeader(page.Facts.Count);
        foreach (var fact in page.Facts) FactCodec.Write(ref writer, fact);
        writer.WriteString(PageNames[More]);
        writer.WriteBoolean(page.More);
        writer.Flush();
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<HistoryPage> DecodePage(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var page = ReadPage(ref reader, ref context);
        return page is not null && reader.TryEnd()
            ? ParseResult<HistoryPage>.Ok(page)
            : ParseResult<HistoryPage>.Err(context ?? PageNames.Describe(reader.Error, -1));
    }

    private static HistoryPage? ReadPage(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, PageNames, out var map)) return null;
        long feed = 0, history = 0, floor = 0, position = 0;
        Fact[] facts = [];
        var more = false;
        while (map.TryNext(ref reader, out var field))
        {
            var ok = field switch
            {
                Feed => reader.TryReadInt64(0, int.MaxValue, out feed),
                History => reader.TryReadInt64(0, long.MaxValue, out history),
                Floor => reader.TryReadInt64(0, long.MaxValue, out floor),
                Position => reader.TryReadInt64(0, long.MaxValue, out position),
                Facts => TryReadFacts(ref reader, out facts, ref context),
                _ => reader.TryReadBoolean(out more),
            };
            if (ok) continue;
            context ??= map.Describe(reader.Error);
            return null;
        }
        for (var field = 0; field < PageNames.Count && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
        if (!reader.Error.IsNone) return null;
        return new HistoryPage
        {
            Feed = new((int)feed),
            History = new(history),
            Floor = new(floor),
            Position = new(position),
            Facts = facts,
            More = more,
        };
    }

    private static bool TryReadFacts(ref MsgPackReader reader, out Fact[] facts, ref string? context)
    {
        facts = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > HistoryRequest.LimitMax) return reader.FailAt($"more than {HistoryRequest.LimitMax} facts", start);
        var read = new Fact[count];
        for (var index = 0; index < count; index++)
        {
            if (FactReader.Read(ref reader, Texts, out var where) is not { } fact)
            {
                context = $"history page, {index}: {where.Describe(reader.Error)}";
                return false;
            }
            read[index] = fact;
        }
        facts = read;
        return true;
    }

    private static void WriteInteger(ref MsgPackWriter writer, FieldNames names, int field, long value)
    {
        writer.WriteString(names[field]);
        writer.WriteInteger(value);
    }
}

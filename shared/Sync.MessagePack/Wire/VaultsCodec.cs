using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Request and reply of <c>sync.vaults</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class VaultsCodec
{
    private const int After = 0, Collection = 1, Limit = 2;
    private const int History = 0, Vaults = 1, More = 2;
    private const int PartCount = 3;

    private static readonly FieldNames RequestNames = new("vaults request", "after", "collection", "limit");
    private static readonly FieldNames PageNames = new("vaults page", "history", "vaults", "more");

    /// <summary>Writes the request.</summary>
    public static void Encode(VaultsRequest request, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(RequestNames.Count);
        writer.WriteString(RequestNames[After]);
        writer.WriteStringOrNil(request.After);
        writer.WriteString(RequestNames[Collection]);
        writer.WriteStringOrNil(request.Collection);
        PageWriter.WriteInteger(ref writer, RequestNames, Limit, request.Limit);
        writer.Flush();
    }

    /// <summary>Reads the request; an absent field or nil has its default (from the first, any, 1,000). Names are not checked.
    /// Never throws for bad input.</summary>
    public static ParseResult<VaultsRequest> DecodeRequest(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? after = null, collection = null;
        long limit = VaultsRequest.LimitMax;
        if (MapCursor.TryBegin(ref reader, RequestNames, out var map))
        {
            while (map.TryNext(ref reader, out var field))
            {
                if (reader.TrySkipNil()) continue;
                var ok = field switch
                {
                    After => reader.TryReadString(out after),
                    Collection => reader.TryReadString(out collection),
                    _ => reader.TryReadInt64(1, VaultsRequest.LimitMax, out limit),
                };
                if (!ok) break;
            }
        }
        return reader.TryEnd()
            ? ParseResult<VaultsRequest>.Ok(new VaultsRequest(after, collection, (int)limit))
            : ParseResult<VaultsRequest>.Err(map.Describe(reader.Error));
    }

    /// <summary>Writes the reply. (1,000 entries, as long as names can be, take 145 kB: no cut is needed.)</summary>
    /// <param name="page">At most <see cref="VaultsRequest.LimitMax"/> vaults.</param>
    /// <param name="destination">Where to.</param>
    public static void Encode(VaultsPage page, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(PageNames.Count);
        PageWriter.WriteInteger(ref writer, PageNames, History, page.History.Value);
        writer.WriteString(PageNames[Vaults]);
        writer.WriteArrayHeader(page.Vaults.Count);
        foreach (var entry in page.Vaults)
        {
            writer.WriteArrayHeader(PartCount);
            writer.WriteString(entry.Vault);
            writer.WriteInteger(entry.Feed.Value);
            writer.WriteInteger(entry.LastPosition.Value);
        }
        writer.WriteString(PageNames[More]);
        writer.WriteBoolean(page.More);
        writer.Flush();
    }

    /// <summary>Reads the reply. Never throws for bad input.</summary>
    public static ParseResult<VaultsPage> DecodePage(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        long history = 0;
        VaultEntry[] vaults = [];
        var more = false;
        if (MapCursor.TryBegin(ref reader, PageNames, out var map))
        {
            while (map.TryNext(ref reader, out var field))
            {
                var ok = field switch
                {
                    History => reader.TryReadInt64(0, long.MaxValue, out history),
                    Vaults => TryReadVaults(ref reader, out vaults),
                    _ => reader.TryReadBoolean(out more),
                };
                if (!ok) break;
            }
            for (var field = 0; field < PageNames.Count && reader.Error.IsNone; field++) map.TryRequire(ref reader, field);
            if (more && vaults.Length == 0) reader.Fail("more, and no vault to ask behind");
        }
        return reader.TryEnd()
            ? ParseResult<VaultsPage>.Ok(new VaultsPage { History = new(history), Vaults = vaults, More = more })
            : ParseResult<VaultsPage>.Err(map.Describe(reader.Error));
    }

    private static bool TryReadVaults(ref MsgPackReader reader, out VaultEntry[] vaults)
    {
        vaults = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > VaultsRequest.LimitMax) return reader.FailAt($"more than {VaultsRequest.LimitMax} vaults", start);
        var read = new VaultEntry[count];
        for (var index = 0; index < count; index++)
        {
            if (!PageReader.TryReadParts(ref reader, PartCount) || !PageReader.TryReadName(ref reader, out var vault)
                || !reader.TryReadInt64(0, Feeds.CountMax - 1, out var feed)
                || !reader.TryReadInt64(0, long.MaxValue, out var last)) return false;
            read[index] = new VaultEntry(vault, new((int)feed), new(last));
        }
        vaults = read;
        return true;
    }
}

using System.Buffers;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Replies to writes: one outcome for <c>sync.put</c> and <c>sync.append</c>, a list in the order of the commands for
/// <c>sync.own.&lt;feed&gt;</c> (docs/PROTOCOL.md, Requests and replies).</summary>
public static class WriteResultCodec
{
    private const int Outcomes = 0;

    private static readonly FieldNames Names = new("write results", "outcomes");

    /// <summary>Writes one outcome.</summary>
    public static void Encode(WriteResult result, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        WriteResultFields.Write(ref writer, result);
        writer.Flush();
    }

    /// <summary>Reads one outcome. Never throws for bad input.</summary>
    public static ParseResult<WriteResult> Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var result = WriteResultFields.Read(ref reader, ref context);
        return result is not null && reader.TryEnd()
            ? ParseResult<WriteResult>.Ok(result)
            : ParseResult<WriteResult>.Err(context ?? $"write result: {reader.Error}");
    }

    /// <summary>Writes the outcomes of forwarded writes.</summary>
    public static void EncodeMany(IReadOnlyList<WriteResult> results, IBufferWriter<byte> destination)
    {
        var writer = new MsgPackWriter(destination);
        writer.WriteMapHeader(Names.Count);
        writer.WriteString(Names[Outcomes]);
        writer.WriteArrayHeader(results.Count);
        foreach (var result in results) WriteResultFields.Write(ref writer, result);
        writer.Flush();
    }

    /// <summary>Reads the outcomes of forwarded writes. Never throws for bad input.</summary>
    public static ParseResult<IReadOnlyList<WriteResult>> DecodeMany(ReadOnlySpan<byte> bytes)
    {
        var reader = new MsgPackReader(bytes);
        string? context = null;
        var results = Read(ref reader, ref context);
        return results is not null && reader.TryEnd()
            ? ParseResult<IReadOnlyList<WriteResult>>.Ok(results)
            : ParseResult<IReadOnlyList<WriteResult>>.Err(context ?? Names.Describe(reader.Error, -1));
    }

    private static WriteResult[]? Read(ref MsgPackReader reader, ref string? context)
    {
        if (!MapCursor.TryBegin(ref reader, Names, out var map)) return null;
        WriteResult[] results = [];
        while (map.TryNext(ref reader, out _))
        {
            var start = reader.Offset;
            if (!reader.TryReadArrayHeader(out var count)) return null;
            if (count > ForwardedWrites.CommandsMax)
            {
                reader.FailAt($"more than {ForwardedWrites.CommandsMax} outcomes", start);
                return null;
            }
            results = new WriteResult[count];
            for (var index = 0; index < count; index++)
            {
                if (WriteResultFields.Read(ref reader, ref context) is not { } result) return null;
                results[index] = result;
            }
        }
        return reader.Error.IsNone && map.TryRequire(ref reader, Outcomes) ? results : null;
    }
}

using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Reads the lists of a page: counts are bounded by their limit and by the bytes that are there.</summary>
internal static class PageReader
{
    private static readonly TextCache Texts = new();

    public static bool TryReadEnvelopes(
        ref MsgPackReader reader, string message, int countMax, out Envelope[] envelopes, ref string? context)
    {
        envelopes = [];
        var start = reader.Offset;
        if (!reader.TryReadArrayHeader(out var count)) return false;
        if (count > countMax) return reader.FailAt($"more than {countMax} envelopes", start);
        var read = new Envelope[count];
        var values = new ValueBlocks();
        for (var index = 0; index < count; index++)
        {
            if (EnvelopeReader.Read(ref reader, default, Texts, out var where, values) is not { } envelope)
            {
                context = $"{message}, envelope {index}: {where.Describe(reader.Error)}";
                return false;
            }
            read[index] = envelope;
        }
        envelopes = read;
        return true;
    }

    /// <summary>Reads the header of an array of exactly so many parts.</summary>
    public static bool TryReadParts(ref MsgPackReader reader, int parts)
    {
        var start = reader.Offset;
        return reader.TryReadArrayHeader(out var count)
            && (count == parts || reader.FailAt($"an item has {count} parts, not {parts}", start));
    }

    /// <summary>Reads a text that repeats from page to page.</summary>
    public static bool TryReadName(ref MsgPackReader reader, out string name) => reader.TryReadString(Texts, out name);
}

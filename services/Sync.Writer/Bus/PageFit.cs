using System.Buffers;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;

namespace Sync.Writer.Bus;

/// <summary>Cuts pages so that their encoded form fits one message. The store cut by value bytes; names come on
/// top.</summary>
internal static class PageFit
{
    /// <summary>Of a page without its records, rounded up.</summary>
    private const int PageOverhead = 128;

    public static EnvelopeAnswer Cut(EnvelopeAnswer answer, IReadOnlyList<RefetchItem> asked, int bytesMax) =>
        CutToSize(answer, asked, bytesMax).Answer;

    /// <summary>As <see cref="Cut(EnvelopeAnswer, IReadOnlyList{RefetchItem}, int)"/>, with what the answer takes, rounded
    /// up.</summary>
    public static (EnvelopeAnswer Answer, int Bytes) CutToSize(
        EnvelopeAnswer answer, IReadOnlyList<RefetchItem> asked, int bytesMax)
    {
        var (bytes, kept) = (PageOverhead, 0);
        while (kept < answer.Envelopes.Count)
        {
            var size = EnvelopeCodec.EncodedSize(answer.Envelopes[kept]);
            if (bytes + size > bytesMax && kept > 0) break;
            bytes += size;
            kept++;
        }
        if (kept == answer.Envelopes.Count) return (answer, bytes);
        var cut = new EnvelopeAnswer
        {
            Feed = answer.Feed,
            History = answer.History,
            Floor = answer.Floor,
            Position = answer.Position,
            Envelopes = answer.Envelopes.Take(kept).ToArray(),
            Answered = ItemOf(answer.Envelopes, kept, asked),
        };
        return (cut, bytes);
    }

    public static HistoryPage Cut(FactPage page, int bytesMax)
    {
        var (bytes, kept) = (PageOverhead, 0);
        var scratch = new ArrayBufferWriter<byte>(1024);
        while (kept < page.Facts.Count)
        {
            scratch.ResetWrittenCount();
            FactCodec.Encode(page.Facts[kept], scratch);
            bytes += scratch.WrittenCount;
            if (bytes > bytesMax && kept > 0) break;
            kept++;
        }
        return new HistoryPage
        {
            Feed = page.Feed,
            History = page.History,
            Floor = page.Floor,
            Position = page.Position,
            Facts = kept == page.Facts.Count ? page.Facts : page.Facts.Take(kept).ToArray(),
            More = page.More || kept < page.Facts.Count,
        };
    }

    // Envelopes come in the order of the items; items that are not newer have none.
    private static int ItemOf(IReadOnlyList<Envelope> envelopes, int index, IReadOnlyList<RefetchItem> asked)
    {
        var item = 0;
        for (var at = 0; at <= index; at++, item++)
            while (asked[item].Collection != envelopes[at].Key.Collection || asked[item].Key != envelopes[at].Key.Key)
                item++;
        return item - 1;
    }
}

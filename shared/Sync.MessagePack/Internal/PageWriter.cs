using System.Buffers.Binary;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Writes the lists of a page into one buffer and cuts them while writing: nothing is sized first, and what does not fit
/// is taken back.</summary>
internal static class PageWriter
{
    private const byte Array16 = 0xdc;
    private const int CapacityMin = 4 * 1024;
    private const int CapacityMax = 2 * 1024 * 1024;

    /// <summary>What a page has beside its records, rounded up.</summary>
    private const int OverheadBytes = 192;

    /// <summary>A buffer that need not grow while a page is written, if its envelopes are alike.</summary>
    public static PooledBytes RentFor(IReadOnlyList<Envelope> envelopes, int bytesMax)
    {
        var size = envelopes.Count == 0 ? 0 : (long)EnvelopeWriter.Size(envelopes[0]) * (envelopes.Count + (envelopes.Count / 8) + 1);
        return PooledBytes.Rent((int)Math.Clamp(size, CapacityMin, Math.Max(CapacityMin, Math.Min(bytesMax, CapacityMax))));
    }

    /// <summary>Writes as many envelopes as fit, one at least. The count is written as an array of 16 bits: it is known last.</summary>
    /// <param name="page">At the value of the field.</param>
    /// <param name="envelopes">At most 65,535.</param>
    /// <param name="bytesMax">For the whole message.</param>
    /// <param name="entries">What follows the envelopes and needs its room as well; null = nothing.</param>
    /// <returns>How many were written.</returns>
    public static int WriteEnvelopes(
        PooledBytes page, IReadOnlyList<Envelope> envelopes, int bytesMax, CollectionEntries? entries = null)
    {
        var head = page.Count;
        BeginArray(page);
        var written = 0;
        for (; written < envelopes.Count; written++)
        {
            var mark = page.Count;
            var writer = new MsgPackWriter(page);
            EnvelopeWriter.Write(ref writer, envelopes[written]);
            writer.Flush();
            var entryBytes = entries?.Reach(envelopes[written].Key) ?? 0;
            if (page.Count + (long)entryBytes <= bytesMax - OverheadBytes || written == 0)
            {
                entries?.Keep();
                continue;
            }
            page.CutTo(mark);
            break;
        }
        EndArray(page, head, written);
        return written;
    }

    /// <summary>Starts an array whose count <see cref="EndArray"/> fills in.</summary>
    public static void BeginArray(PooledBytes page)
    {
        var head = page.Reserve(3);
        (head[0], head[1], head[2]) = (Array16, 0, 0);
        page.Advance(3);
    }

    public static void EndArray(PooledBytes page, int head, int count) =>
        BinaryPrimitives.WriteUInt16BigEndian(page.At(head)[1..], checked((ushort)count));

    /// <summary>The written bytes in an array of their own, which a bus may keep.</summary>
    public static byte[] ToArray(PooledBytes page)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(page.Count);
        page.Written.CopyTo(bytes);
        return bytes;
    }

    /// <summary>Writes <c>field: integer</c>.</summary>
    public static void WriteInteger(ref MsgPackWriter writer, FieldNames names, int field, long value)
    {
        writer.WriteString(names[field]);
        writer.WriteInteger(value);
    }
}

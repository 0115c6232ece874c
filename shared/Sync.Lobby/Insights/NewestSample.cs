using System.Buffers;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary><c>{key, sequence, time, value}</c> of the record with the highest value of a field, or the latest
/// transaction time; of equals the first in the order of keys. Without one, <c>key</c> is nil.</summary>
internal static class NewestSample
{
    public static byte[] Derive(IReadOnlyList<Envelope> records, string? field)
    {
        Envelope? newest = null;
        RecordField? highest = null;
        foreach (var record in records)
        {
            if (field is null)
            {
                if (newest is null || record.Time > newest.Time) newest = record;
            }
            else if (RecordField.TryRead(record, field) is { } value && (highest is null || value.CompareTo(highest.Value) > 0))
            {
                (newest, highest) = (record, value);
            }
        }
        return Write(newest, highest);
    }

    private static byte[] Write(Envelope? newest, RecordField? value)
    {
        var bytes = new ArrayBufferWriter<byte>(256);
        var writer = new MsgPackWriter(bytes);
        writer.WriteMapHeader(newest is null ? 1 : value is null ? 3 : 4);
        writer.WriteString("key"u8);
        writer.WriteStringOrNil(newest?.Key.Key);
        if (newest is not null)
        {
            writer.WriteString("sequence"u8);
            writer.WriteInteger(newest.Sequence.Value);
            writer.WriteString("time"u8);
            writer.WriteString(newest.Time.ToString());
            if (value is { } found)
            {
                writer.WriteString("value"u8);
                writer.WriteRaw(found.Raw.Span);
            }
        }
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }
}

using System.Globalization;
using System.Text;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary>A member of a record's value that is a number, a text or a truth value, in a form that has an order: false,
/// true, numbers, texts. Of a sealed record, or one that is no map, there is none.</summary>
internal readonly record struct RecordField(ReadOnlyMemory<byte> Raw, int Rank, decimal? Number, double Double, string Text)
    : IComparable<RecordField>
{
    private const int TextLengthMax = 200;

    public int CompareTo(RecordField other)
    {
        if (Rank != other.Rank) return Rank.CompareTo(other.Rank);
        if (Number is { } left && other.Number is { } right) return left.CompareTo(right);
        return Rank == 2 ? Double.CompareTo(other.Double) : string.CompareOrdinal(Text, other.Text);
    }

    public static RecordField? TryRead(Envelope record, string field)
    {
        var reader = new MsgPackReader(record.Value.Span);
        if (reader.NextType != MsgPackType.Map || !reader.TryReadMapHeader(out var members)) return null;
        Span<byte> wanted = stackalloc byte[Encoding.UTF8.GetMaxByteCount(field.Length)];
        wanted = wanted[..Encoding.UTF8.GetBytes(field, wanted)];
        for (; members > 0; members--)
        {
            var isWanted = reader.NextType == MsgPackType.String
                ? reader.TryReadStringBytes(out var name) && name.SequenceEqual(wanted)
                : !reader.TrySkip();
            var start = reader.Offset;
            if (isWanted) return Scalar(record.Value[start..]);
            if (!reader.TrySkip()) return null;
        }
        return null;
    }

    private static RecordField? Scalar(ReadOnlyMemory<byte> rest)
    {
        var reader = new MsgPackReader(rest.Span);
        switch (reader.NextType)
        {
            case MsgPackType.Boolean when reader.TryReadBoolean(out var truth):
                return new RecordField(rest[..reader.Offset], truth ? 1 : 0, null, 0, "");
            case MsgPackType.String when reader.TryReadString(out var text):
                return text.Length > TextLengthMax ? null : new RecordField(rest[..reader.Offset], 3, null, 0, text);
            case MsgPackType.Float when reader.TryReadDouble(out var number) && double.IsFinite(number):
                return new RecordField(rest[..reader.Offset], 2, Exact(number), number, "");
            case MsgPackType.Integer:
                return Integer(rest);
            default:
                return null;
        }
    }

    private static RecordField? Integer(ReadOnlyMemory<byte> rest)
    {
        var signed = new MsgPackReader(rest.Span);
        if (signed.TryReadInt64(out var small)) return new RecordField(rest[..signed.Offset], 2, small, small, "");
        var unsigned = new MsgPackReader(rest.Span);
        return unsigned.TryReadUInt64(out var large) ? new RecordField(rest[..unsigned.Offset], 2, large, large, "") : null;
    }

    // By its shortest digits, which is how JSON shows the number; a cast would round to 15 of them. Null: no decimal
    // holds it.
    private static decimal? Exact(double number) => decimal.TryParse(
        number.ToString("R", CultureInfo.InvariantCulture), NumberStyles.Float, CultureInfo.InvariantCulture, out var exact)
        ? exact
        : null;
}

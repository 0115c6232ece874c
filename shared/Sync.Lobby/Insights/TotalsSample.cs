using System.Buffers;
using System.Globalization;
using System.Numerics;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Lobby.Insights;

/// <summary><c>{field, present, sum, groups, others}</c>: records that have the field; the exact sum of its numbers as
/// text; <c>[value, records]</c> of its most frequent values, and the records of all other values.</summary>
internal static class TotalsSample
{
    public const int GroupsMax = 100;

    // Digits behind the point of the smallest decimal: every decimal is a whole number of these.
    private const int Scale = 28;
    private static readonly BigInteger Unit = BigInteger.Pow(10, Scale);

    public static byte[] Derive(IReadOnlyList<Envelope> records, string field)
    {
        var (present, sum) = (0L, BigInteger.Zero);
        var groups = new Dictionary<RecordField, long>(SameValue.Instance);
        foreach (var record in records)
        {
            if (RecordField.TryRead(record, field) is not { } value) continue;
            present++;
            if (value.Number is { } number) sum += Whole(number);
            groups[value] = groups.GetValueOrDefault(value) + 1;
        }
        var most = groups.OrderByDescending(group => group.Value).ThenBy(group => group.Key).Take(GroupsMax).ToList();
        return Write(field, present, Text(sum), most);
    }

    private static byte[] Write(string field, long present, string sum, List<KeyValuePair<RecordField, long>> groups)
    {
        var bytes = new ArrayBufferWriter<byte>(256);
        var writer = new MsgPackWriter(bytes);
        writer.WriteMapHeader(5);
        writer.WriteString("field"u8);
        writer.WriteString(field);
        writer.WriteString("present"u8);
        writer.WriteInteger(present);
        writer.WriteString("sum"u8);
        writer.WriteString(sum);
        writer.WriteString("groups"u8);
        writer.WriteArrayHeader(groups.Count);
        foreach (var (value, count) in groups)
        {
            writer.WriteArrayHeader(2);
            writer.WriteRaw(value.Raw.Span);
            writer.WriteInteger(count);
        }
        writer.WriteString("others"u8);
        writer.WriteInteger(present - groups.Sum(group => group.Value));
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }

    // A decimal sum rounds once it has more than 28 digits; whole numbers never do, so the order of records does not
    // matter.
    private static BigInteger Whole(decimal number)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(number, bits);
        var digits = (new BigInteger((uint)bits[2]) << 64) + (new BigInteger((uint)bits[1]) << 32) + (uint)bits[0];
        var whole = digits * BigInteger.Pow(10, Scale - ((bits[3] >> 16) & 0xff));
        return bits[3] < 0 ? -whole : whole;
    }

    private static string Text(BigInteger sum)
    {
        var whole = BigInteger.DivRem(BigInteger.Abs(sum), Unit, out var rest);
        var text = whole.ToString(CultureInfo.InvariantCulture);
        if (!rest.IsZero) text += "." + rest.ToString("D" + Scale, CultureInfo.InvariantCulture).TrimEnd('0');
        return sum.Sign < 0 ? "-" + text : text;
    }

    // 7 and 7.0 are one value, and so are all forms of a text.
    private sealed class SameValue : IEqualityComparer<RecordField>
    {
        public static readonly SameValue Instance = new();

        public bool Equals(RecordField x, RecordField y) => x.CompareTo(y) == 0;

        public int GetHashCode(RecordField field) => HashCode.Combine(
            field.Rank, field.Rank == 2 ? field.Double.GetHashCode() : 0, string.GetHashCode(field.Text, StringComparison.Ordinal));
    }
}

using System.Buffers;

namespace Sync.MessagePack;

/// <summary>JSON strings with the fewest escapes: quote, backslash and control characters; everything else as UTF-8.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create(
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
        (byte)'"', (byte)'\\',
    ]);

    /// <summary>Writes valid UTF-8 as a JSON string.</summary>
    public static void Write(PooledBytes output, ReadOnlySpan<byte> utf8)
    {
        output.Reserve(utf8.Length + 2);
        output.Add((byte)'"');
        while (utf8.IndexOfAny(Escaped) is var at && at >= 0)
        {
            output.Add(utf8[..at]);
            Escape(output, utf8[at]);
            utf8 = utf8[(at + 1)..];
        }
        output.Add(utf8);
        output.Add((byte)'"');
    }

    private static void Escape(PooledBytes output, byte value)
    {
        switch (value)
        {
            case (byte)'"': output.Add("\\\""u8); break;
            case (byte)'\\': output.Add("\\\\"u8); break;
            case (byte)'\n': output.Add("\\n"u8); break;
            case (byte)'\r': output.Add("\\r"u8); break;
            case (byte)'\t': output.Add("\\t"u8); break;
            case (byte)'\b': output.Add("\\b"u8); break;
            case (byte)'\f': output.Add("\\f"u8); break;
            default:
                output.Add("\\u00"u8);
                output.Add((byte)('0' + (value >> 4)));
                output.Add("0123456789abcdef"u8[value & 15]);
                break;
        }
    }
}

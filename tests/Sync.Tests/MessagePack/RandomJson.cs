using System.Globalization;
using System.Text;

namespace Sync.Tests.MessagePack;

/// <summary>JSON texts that go to the edges: numbers at every boundary, texts of every script and length, containers of
/// every header size.</summary>
internal static class RandomJson
{
    private static readonly string[] Numbers =
    [
        "0", "-0", "-0.0", "1", "127", "128", "255", "256", "65535", "65536", "4294967295", "4294967296", "9007199254740993",
        "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-1", "-32", "-33", "-128",
        "-129", "-32768", "-32769", "-2147483648", "-2147483649", "-9223372036854775808", "-9223372036854775809", "1e0", "1E5",
        "0.1", "1.7976931348623157e308", "-5e-324", "1e-999", "2.5e-7", "123456789012345678901234567890.5",
    ];

    private static readonly string[] Pieces =
    [
        "a", "Z", " ", "é", "ž", "名", "😀", "\\n", "\\u0000", "\\u001f", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\u007f",
        "\u2028", "\ufffd", "e\u0301", "0",
    ];

    private static readonly int[] Counts = [0, 1, 2, 3, 5, 14, 15, 16, 17, 33];
    private static readonly int[] Lengths = [0, 1, 7, 8, 9, 30, 31, 32, 33, 254, 255, 256, 257];

    public static void Write(StringBuilder json, Random random, int depthMax)
    {
        switch (random.Next(depthMax > 0 ? 9 : 6))
        {
            case 0: json.Append("null"); break;
            case 1: json.Append(random.Next(2) == 0 ? "true" : "false"); break;
            case 2: json.Append(Numbers[random.Next(Numbers.Length)]); break;
            case 3: json.Append(random.NextInt64(long.MinValue, long.MaxValue).ToString(CultureInfo.InvariantCulture)); break;
            case 4 or 5: Text(json, random, ""); break;
            case 6: WriteAll(json, random, '[', ']', depthMax, isObject: false); break;
            default: WriteAll(json, random, '{', '}', depthMax, isObject: true); break;
        }
    }

    private static void WriteAll(StringBuilder json, Random random, char open, char close, int depthMax, bool isObject)
    {
        // Large counts at the leaves only, or the size would grow with the depth.
        var count = depthMax > 2 ? random.Next(4) : Counts[random.Next(Counts.Length)];
        json.Append(open);
        for (var index = 0; index < count; index++)
        {
            if (index > 0) json.Append(',');
            if (random.Next(4) == 0) json.Append(' ');
            if (isObject)
            {
                Text(json, random, index.ToString(CultureInfo.InvariantCulture) + ":");
                json.Append(':');
            }
            Write(json, random, random.Next(depthMax));
        }
        json.Append(close);
    }

    private static void Text(StringBuilder json, Random random, string prefix)
    {
        json.Append('"').Append(prefix);
        var length = random.Next(8) == 0 ? Lengths[random.Next(Lengths.Length)] : random.Next(12);
        for (; length > 0; length--) json.Append(Pieces[random.Next(Pieces.Length)]);
        json.Append('"');
    }
}

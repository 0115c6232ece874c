namespace Sync.HostileTests.Reference;

/// <summary>UTF-8 by its table in RFC 3629.</summary>
internal static class NaiveUtf8
{
    private static readonly (int Low, int High, int More, int SecondLow, int SecondHigh)[] Rows =
    [
        (0x00, 0x7f, 0, 0, 0), (0xc2, 0xdf, 1, 0x80, 0xbf), (0xe0, 0xe0, 2, 0xa0, 0xbf), (0xe1, 0xec, 2, 0x80, 0xbf),
        (0xed, 0xed, 2, 0x80, 0x9f), (0xee, 0xef, 2, 0x80, 0xbf), (0xf0, 0xf0, 3, 0x90, 0xbf), (0xf1, 0xf3, 3, 0x80, 0xbf),
        (0xf4, 0xf4, 3, 0x80, 0x8f),
    ];

    public static bool IsValid(ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            var first = bytes[at];
            var row = 0;
            while (row < Rows.Length && (first < Rows[row].Low || first > Rows[row].High)) row++;
            if (row == Rows.Length || at + Rows[row].More >= bytes.Length) return false;
            for (var next = 1; next <= Rows[row].More; next++)
            {
                var (low, high) = next == 1 ? (Rows[row].SecondLow, Rows[row].SecondHigh) : (0x80, 0xbf);
                if (bytes[at + next] < low || bytes[at + next] > high) return false;
            }
            at += 1 + Rows[row].More;
        }
        return true;
    }
}

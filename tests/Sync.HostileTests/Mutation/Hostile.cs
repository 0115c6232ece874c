using System.Text;

namespace Sync.HostileTests.Mutation;

/// <summary>Pieces that decoders fail on.</summary>
internal static class Hostile
{
    /// <summary>MessagePack values, whole and broken.</summary>
    public static readonly byte[][] Values =
    [
        .. new[]
        {
            "c0", "c2", "c3", "00", "7f", "ff", "cc80", "ccff", "cd0001", "ce00000001", "cf0000000000000001", "d0ff", "d1ffff", "d2ffffffff",
            "d3ffffffffffffffff", "cf0020000000000001", "cf7fffffffffffffff", "cf8000000000000000", "cfffffffffffffffff",
            "d38000000000000000", "d3ffdfffffffffffff", "ca00000000", "ca7fc00000", "ca7f800000", "cb7ff8000000000000",
            "cb7ff0000000000000", "cbfff0000000000000", "cb8000000000000000", "cb3ff0000000000000", "cb4340000000000001",
            "a0", "a161", "d90161", "da000161", "db0000000161", "a1ff", "a2c328", "a2c080", "a3eda080", "a4f4908080", "a3e28280", "a1c3",
            "c400", "c40100", "c5000100", "c60000000100", "c410000102030405060708090a0b0c0d0e0f",
            "d40100", "d5010000", "d60100000000", "d6ff00000000", "d6ffffffffff", "d7ff0000000000000000", "d7ffffffffffffffffff",
            "c70cff3b9aca000000000000000000", "c70cff000000007fffffffffffffff", "c70cff00000000fffffffffffff830", "c700ff", "c70064", "c7016400",
            "d8640000000000000000000000000000000000", "c9ffffffff64", "c8ffffff",
            "80", "8100c0", "81a161c0", "82a161c0a161c0", "82a161c0d90161c0", "8180c0", "8190c0", "81c0c0", "de0000", "df00000000", "deffff", "dfffffffff",
            "90", "91c0", "dc0000", "dd00000000", "dcffff", "dd7fffffff", "ddffffffff", "dbffffffff", "db7fffffff", "c6ffffffff",
            "c1", "91c1", "9f", "8f",
        }.Select(Convert.FromHexString),
    ];

    /// <summary>Sizes that headers lie with.</summary>
    public static readonly uint[] Counts =
        [0, 1, 2, 15, 16, 31, 32, 127, 128, 255, 256, 65535, 65536, 99_999, 100_001, 1_000_001, int.MaxValue, 0x8000_0000, uint.MaxValue];

    /// <summary>Pieces of text.</summary>
    public static readonly byte[][] Words =
    [
        .. new[]
        {
            "\r\n", "\n", "\r", "\n\n", "\0", "\t", " ", "\u007f", "\u0085", "\u2028", "\ufeff", "\ufffd", "é", "名", "😀", "e\u0301",
            ".", "..", "../", "*", ">", "%", "%41", "%2E", "%2e", "%2F", "%25", "%00", "%0D%0A", "%C3%A9", "%ED%A0%80", "%C0%AE", "%FF", "~", "_", "--", "-",
            "/", "\\", "//", "?", "&", "=", "+", "#", "@", ":", "://", ";", ",", "\"", "'", "`", "$", "|",
            "{", "}", "[", "]", "{}", "[]", "[[", "{\"a\":", "null", "true", "false", "\"\"", "\\", "\\u0000", "\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00",
            "\\/", "\\n", "\\u0061", "\\x", "//x", "/**/", "NaN", "Infinity",
            "0", "-0", "-1", "1", "007", "00", "1.0", "1e0", "-0.0", "1e999", "1e-999", "0.1", "2147483647", "2147483648", "4294967296",
            "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
            "99999999999999999999999999", "+1", "1_0", " 1", "٣", "0x10",
            "2026-01-31T12:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z", "T", "Z", "+00:00",
            "\"7\"", "W/\"7\"", "\"0\"", "00-", "data: ", "id: ", "event: ", "retry: ", "PING\r\n", "MSG a 1 0\r\n\r\n", "-ERR ''\r\n",
        }.Select(Encoding.UTF8.GetBytes),
        [0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x80], [0xf0, 0x9f, 0x98],
    ];
}

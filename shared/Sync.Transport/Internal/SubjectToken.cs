using System.Buffers;
using System.Text;

namespace Sync.Transport.Internal;

/// <summary>One name as one subject token: <c>. * &gt; %</c>, white space and everything outside printable ASCII become
/// the percent-encoded bytes of their UTF-8, in upper-case hex. Each text has exactly one encoding: what decodes to
/// something that would be written differently is refused, or two subjects would name one key.</summary>
internal static class SubjectToken
{
    private const string PlainText =
        "!\"#$&'()+,-/0123456789:;<=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

    private static readonly SearchValues<char> Plain = SearchValues.Create(PlainText);
    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create(Encoding.ASCII.GetBytes(PlainText));
    private static readonly UTF8Encoding Utf8 = new(false, true);

    /// <summary>The token of a text; the same instance when nothing needs encoding. The text is valid Unicode.</summary>
    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain)) return text;
        var bytes = Utf8.GetBytes(text);
        var token = new StringBuilder(bytes.Length + 16);
        foreach (var value in bytes)
        {
            if (PlainBytes.Contains(value)) token.Append((char)value);
            else token.Append('%').Append(HexDigit(value >> 4)).Append(HexDigit(value & 15));
        }
        return token.ToString();
    }

    /// <summary>The text of a token. False for an empty token, a character that must be encoded, an escape that is cut,
    /// in lower case or not needed, and bytes that are not UTF-8.</summary>
    public static bool TryDecode(ReadOnlySpan<char> token, out string text)
    {
        text = "";
        if (token.IsEmpty) return false;
        if (!token.ContainsAnyExcept(Plain))
        {
            text = token.ToString();
            return true;
        }
        Span<byte> bytes = token.Length <= 512 ? stackalloc byte[512] : new byte[token.Length];
        var count = 0;
        for (var at = 0; at < token.Length; at++)
        {
            if (token[at] != '%')
            {
                if (!Plain.Contains(token[at])) return false;
                bytes[count++] = (byte)token[at];
                continue;
            }
            if (at + 2 >= token.Length) return false;
            var high = HexValue(token[at + 1]);
            var low = HexValue(token[at + 2]);
            if (high < 0 || low < 0) return false;
            var value = (byte)((high << 4) | low);
            if (PlainBytes.Contains(value)) return false;
            bytes[count++] = value;
            at += 2;
        }
        try { text = Utf8.GetString(bytes[..count]); }
        catch (DecoderFallbackException) { return false; }
        return true;
    }

    private static char HexDigit(int value) => (char)(value < 10 ? '0' + value : 'A' + value - 10);

    private static int HexValue(char digit) => digit switch
    {
        >= '0' and <= '9' => digit - '0',
        >= 'A' and <= 'F' => digit - 'A' + 10,
        _ => -1,
    };
}

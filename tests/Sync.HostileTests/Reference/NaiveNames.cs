using System.Text;
using System.Text.RegularExpressions;

namespace Sync.HostileTests.Reference;

/// <summary>The rules of names as the protocol writes them, by expressions and lists.</summary>
internal static partial class NaiveNames
{
    public static bool IsName(string text) => Name().IsMatch(text);

    public static bool IsVault(string text)
    {
        if (!IsName(text)) return false;
        var cut = text.Split("--", 2);
        return cut.Length == 1 || (cut[0].Length > 0 && cut[0][^1] != '-' && cut[1] is not ("" or "_"));
    }

    public static bool IsGroup(string text) => IsName(text) && !text.Contains("--", StringComparison.Ordinal) && text[^1] != '-';

    public static bool IsKey(string text, int bytesMax = 512)
    {
        if (text.Length == 0 || text.Any(char.IsControl)) return false;
        for (var at = 0; at < text.Length; at++)
        {
            if (char.IsLowSurrogate(text[at])) return false;
            if (!char.IsHighSurrogate(text[at])) continue;
            if (at + 1 == text.Length || !char.IsLowSurrogate(text[++at])) return false;
        }
        return Encoding.UTF8.GetBytes(text).Length <= bytesMax;
    }

    /// <summary>The one token of a name.</summary>
    public static string Encode(string text)
    {
        var token = new StringBuilder();
        foreach (var value in Encoding.UTF8.GetBytes(text))
            token.Append(value is > 0x20 and < 0x7f && !".*>%".Contains((char)value, StringComparison.Ordinal)
                ? ((char)value).ToString() : $"%{value:X2}");
        return token.ToString();
    }

    /// <summary>The tokens of a vault.</summary>
    public static string Vault(string vault)
    {
        var cut = vault.Split("--", 2);
        return $"{Encode(cut[0])}.{(cut.Length == 1 ? "_" : Encode(cut[1]))}";
    }

    /// <summary>What a token may mean, however it is written; null when it is no text.</summary>
    public static string? Decode(string token)
    {
        var bytes = new List<byte>();
        for (var at = 0; at < token.Length; at++)
        {
            if (token[at] > 0x7e) return null;
            if (token[at] != '%')
            {
                bytes.Add((byte)token[at]);
                continue;
            }
            if (at + 2 >= token.Length || !char.IsAsciiHexDigit(token[at + 1]) || !char.IsAsciiHexDigit(token[at + 2])) return null;
            bytes.Add(Convert.FromHexString(token.AsSpan(at + 1, 2))[0]);
            at += 2;
        }
        return NaiveUtf8.IsValid(bytes.ToArray()) ? Encoding.UTF8.GetString(bytes.ToArray()) : null;
    }

    [GeneratedRegex(@"^(?!\.)[A-Za-z0-9._-]{1,128}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Name();
}

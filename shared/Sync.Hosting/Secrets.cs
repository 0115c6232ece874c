using System.Buffers;
using System.Text;

namespace Sync.Hosting;

/// <summary>Takes secrets out of what is about to be logged.</summary>
public static class Secrets
{
    private const string Prefix = "sync_";
    private const int IdLength = 16;

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567");

    private static readonly SearchValues<char> SecretCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>A text with every token in it, also one that was cut short, replaced by <c>sync_&lt;id&gt;_***</c>.</summary>
    public static string Masked(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var at = text.IndexOf(Prefix, StringComparison.Ordinal);
        if (at < 0) return text;
        var shown = new StringBuilder(text.Length);
        var from = 0;
        for (; at >= 0; at = text.IndexOf(Prefix, from, StringComparison.Ordinal))
        {
            var idEnd = at + Prefix.Length + IdLength;
            var isToken = text.Length > idEnd && text[idEnd] == '_'
                && !text.AsSpan(at + Prefix.Length, IdLength).ContainsAnyExcept(IdCharacters);
            var end = isToken ? idEnd + 1 : at + Prefix.Length;
            shown.Append(text, from, end - from);
            from = end;
            if (!isToken) continue;
            var secret = text.AsSpan(from).IndexOfAnyExcept(SecretCharacters);
            shown.Append("***");
            from = secret < 0 ? text.Length : from + secret;
        }
        return shown.Append(text, from, text.Length - from).ToString();
    }
}

using System.Collections.Frozen;
using System.Text;
using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>The text forms of <see cref="RefusalCode"/>: the name in kebab-case, stable, in replies and problem types.</summary>
public static class RefusalCodes
{
    private static readonly FrozenDictionary<RefusalCode, string> Texts =
        Enum.GetValues<RefusalCode>().ToFrozenDictionary(code => code, code => Kebab(code.ToString()));

    private static readonly FrozenDictionary<string, RefusalCode> Codes =
        Texts.ToFrozenDictionary(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal);

    /// <summary>The text of a code.</summary>
    /// <exception cref="KeyNotFoundException">Not a defined code.</exception>
    public static string ToText(RefusalCode code) => Texts[code];

    /// <summary>The code of a text; false for a text that is not known here.</summary>
    public static bool TryParse(string? text, out RefusalCode code)
    {
        code = default;
        return text is not null && Codes.TryGetValue(text, out code);
    }

    private static string Kebab(string name)
    {
        var text = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0) text.Append('-');
            text.Append(char.ToLowerInvariant(letter));
        }
        return text.ToString();
    }
}

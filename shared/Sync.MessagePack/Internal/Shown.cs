using System.Text;

namespace Sync.MessagePack;

/// <summary>Pieces of input in messages: cut short, and nothing in them that a terminal or a log would obey.</summary>
internal static class Shown
{
    private const int CharactersMax = 64;

    public static string Key(ReadOnlySpan<byte> utf8) => $"'{Text(utf8)}'";

    public static string Text(ReadOnlySpan<byte> utf8)
    {
        var shown = new StringBuilder();
        while (!utf8.IsEmpty)
        {
            if (shown.Length >= CharactersMax) return shown.Append('…').ToString();
            _ = Rune.DecodeFromUtf8(utf8, out var rune, out var read);
            shown.Append(Rune.IsControl(rune) ? "?" : rune.ToString());
            utf8 = utf8[read..];
        }
        return shown.ToString();
    }
}

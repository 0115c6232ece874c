using System.Globalization;
using Sync.Contracts;

namespace Sync.Http;

/// <summary>RFC 3339 times of requests: an offset is required, more than whole microseconds is cut off.</summary>
public static class Times
{
    private static readonly string[] Formats =
    [
        "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
    ];

    /// <summary>Reads a time; hostile input only gives false.</summary>
    public static bool TryParse(string text, out Timestamp time)
    {
        ArgumentNullException.ThrowIfNull(text);
        time = default;
        // A text without an offset would be read as local time: the last character tells.
        if (text.Length is < 20 or > 40 || !(text[^1] is 'Z' or 'z' || text[^6] is '+' or '-')) return false;
        // The format takes a fraction of no digits.
        if (text[19] == '.' && !(text.Length > 20 && char.IsAsciiDigit(text[20]))) return false;
        if (!DateTimeOffset.TryParseExact(
                text.ToUpperInvariant(), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal,
                    out var parsed))
            return false;
        time = Timestamp.From(parsed);
        return true;
    }
}

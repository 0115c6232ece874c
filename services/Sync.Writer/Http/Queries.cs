using System.Globalization;
using Sync.Contracts;
using Sync.Hosting;

namespace Sync.Writer.Http;

/// <summary>Strict reading of query parameters: an unknown one is refused, since a misspelt filter would answer too
/// much.</summary>
internal static class Queries
{
    public const int LimitDefault = 100;
    public const int LimitMax = 1000;

    public static Problem? RefuseUnknown(HttpRequest request, params ReadOnlySpan<string> known)
    {
        foreach (var (name, values) in request.Query)
        {
            if (known.IndexOf(name) < 0)
                return CommonProblems.Malformed(
                    $"'{Shown(name)}' is not a parameter here; known are: {string.Join(", ", known.ToArray())}.");
            if (values.Count != 1)
                return CommonProblems.Malformed($"{name} is given {values.Count} times; give it once.");
        }
        return null;
    }

    public static string? Text(HttpRequest request, string name) =>
        request.Query.TryGetValue(name, out var values) ? values[0] : null;

    public static Problem? TryNumber(HttpRequest request, string name, long min, long max, out long? number)
    {
        number = null;
        if (Text(request, name) is not { } text) return null;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value < min
            || value > max)
            return CommonProblems.Malformed($"{name} must be a whole number from {min} to {max}.");
        number = value;
        return null;
    }

    public static Problem? TryLimit(HttpRequest request, out int limit)
    {
        var problem = TryNumber(request, "limit", 1, LimitMax, out var given);
        limit = (int)(given ?? LimitDefault);
        return problem;
    }

    public static Problem? TryTime(HttpRequest request, string name, out Timestamp? time)
    {
        time = null;
        if (Text(request, name) is not { } text) return null;
        // A plus sign that was not encoded arrives as a space.
        if (!Times.TryParse(text.Replace(' ', '+'), out var parsed))
            return CommonProblems.Malformed($"{name} must be RFC 3339 with an offset, like 2026-01-31T12:00:00Z.");
        time = parsed;
        return null;
    }

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}

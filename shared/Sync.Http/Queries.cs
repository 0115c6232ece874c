using Microsoft.AspNetCore.Http;
using Sync.Contracts;
using Sync.Hosting;

namespace Sync.Http;

/// <summary>Strict reading of query parameters: an unknown one is refused, since a misspelt filter would answer too
/// much.</summary>
public static class Queries
{
    /// <summary>Records of a page unless given.</summary>
    public const int LimitDefault = 100;

    /// <summary>Most records of a page.</summary>
    public const int LimitMax = 1000;

    /// <summary>Every parameter must be known, and given once.</summary>
    /// <returns>Null when all are.</returns>
    public static Problem? RefuseUnknown(HttpRequest request, params ReadOnlySpan<string> known)
    {
        ArgumentNullException.ThrowIfNull(request);
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

    /// <summary>A parameter as it came, decoded; null = not given.</summary>
    public static string? Text(HttpRequest request, string name) =>
        request?.Query is { } query && query.TryGetValue(name, out var values) ? values[0] : null;

    /// <summary>A whole number within bounds, both included; null = not given.</summary>
    public static Problem? TryNumber(HttpRequest request, string name, long min, long max, out long? number)
    {
        number = null;
        if (Text(request, name) is not { } text) return null;
        if (!WholeNumber.TryParse(text, max, out var value) || value < min)
            return CommonProblems.Malformed($"{name} must be a whole number from {min} to {max}.");
        number = value;
        return null;
    }

    /// <summary>The parameter <c>limit</c>: 1 to <see cref="LimitMax"/>, <see cref="LimitDefault"/> unless
    /// given.</summary>
    public static Problem? TryLimit(HttpRequest request, out int limit)
    {
        var problem = TryNumber(request, "limit", 1, LimitMax, out var given);
        limit = (int)(given ?? LimitDefault);
        return problem;
    }

    /// <summary>A name; null = not given.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="check">One of <see cref="Names"/>.</param>
    /// <param name="value">What was given.</param>
    public static Problem? TryName(HttpRequest request, string name, Func<string?, string?> check, out string? value)
    {
        ArgumentNullException.ThrowIfNull(check);
        value = Text(request, name);
        return value is not null && check(value) is { } wrong ? RecordProblems.InvalidName($"{name}: {wrong}") : null;
    }

    /// <summary>A time, as <see cref="Rfc3339"/> reads it; null = not given.</summary>
    public static Problem? TryTime(HttpRequest request, string name, out Timestamp? time)
    {
        time = null;
        if (Text(request, name) is not { } text) return null;
        // A plus sign that was not encoded arrives as a space.
        if (Rfc3339.TryRead(text.Replace(' ', '+'), out var parsed) is { } wrong)
            return CommonProblems.Malformed($"{name} {wrong}.");
        time = parsed;
        return null;
    }

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "…";
}

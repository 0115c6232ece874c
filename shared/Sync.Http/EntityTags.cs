using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using Sync.Contracts;

namespace Sync.Http;

/// <summary>A record's entity tag is its sequence.</summary>
public static class EntityTags
{
    /// <summary>The tag of a sequence: <c>"7"</c>.</summary>
    public static string Of(Sequence sequence) => string.Create(CultureInfo.InvariantCulture, $"\"{sequence.Value}\"");

    /// <summary>True when the caller says by <c>If-None-Match</c> that it has this sequence.</summary>
    public static bool IsKnown(HttpRequest request, Sequence sequence)
    {
        ArgumentNullException.ThrowIfNull(request);
        var known = request.Headers.IfNoneMatch;
        if (known.Count == 0 || !EntityTagHeaderValue.TryParseList(known, out var tags)) return false;
        var current = new EntityTagHeaderValue(Of(sequence));
        foreach (var tag in tags)
            if (tag.Tag == "*" || tag.Compare(current, useStrongComparison: false)) return true;
        return false;
    }
}

namespace Sync.Transport;

/// <summary>The W3C <c>traceparent</c> header: <c>00-32 hex-16 hex-2 hex</c>, lower case.</summary>
internal static class TraceContext
{
    private const int Length = 55;

    // What is malformed is dropped, never sent or stored: it comes from outside and goes into other systems' traces.
    public static bool IsWellFormed(string? text)
    {
        if (text is not { Length: Length } || !text.StartsWith("00-", StringComparison.Ordinal)) return false;
        for (var at = 3; at < Length; at++)
        {
            var right = at is 35 or 52 ? text[at] == '-' : char.IsAsciiHexDigitLower(text[at]);
            if (!right) return false;
        }
        return true;
    }
}

using Sync.Contracts;

namespace Sync.Transport;

/// <summary>The W3C <c>traceparent</c> header: <c>00-32 hex-16 hex-2 hex</c>, lower case, neither id all zeros. What is malformed is dropped, never
/// sent or stored: it comes from outside and goes into other systems' traces.</summary>
internal static class TraceContext
{
    private const int Length = 55;

    public static bool IsWellFormed(string? text)
    {
        if (text is not { Length: Length } || !text.StartsWith("00-", StringComparison.Ordinal)) return false;
        for (var at = 3; at < Length; at++)
        {
            var right = at is 35 or 52 ? text[at] == '-' : char.IsAsciiHexDigitLower(text[at]);
            if (!right) return false;
        }
        return text.AsSpan(3, 32).ContainsAnyExcept('0') && text.AsSpan(36, 16).ContainsAnyExcept('0');
    }

    public static BusHeaders? ToHeaders(string? traceParent) =>
        IsWellFormed(traceParent) ? BusHeaders.Of(BusHeaders.TraceParent, traceParent!) : null;

    /// <summary>The envelope with the trace that its message carried; itself when there is none.</summary>
    public static Envelope Attach(Envelope envelope, BusHeaders headers)
    {
        if (headers[BusHeaders.TraceParent] is not { } traceParent || !IsWellFormed(traceParent)) return envelope;
        return new Envelope
        {
            Key = envelope.Key,
            Value = envelope.Value,
            SchemaVersion = envelope.SchemaVersion,
            Sequence = envelope.Sequence,
            Op = envelope.Op,
            Id = envelope.Id,
            Feed = envelope.Feed,
            Position = envelope.Position,
            History = envelope.History,
            Hash = envelope.Hash,
            After = envelope.After,
            Time = envelope.Time,
            Producer = envelope.Producer,
            TraceParent = traceParent,
        };
    }
}

using System.Diagnostics;

namespace Sync.Contracts;

/// <summary>Spans that go on with the trace of a write: <c>sync.commit</c>, <c>sync.publish</c>, <c>sync.apply</c>.</summary>
public static class Tracing
{
    private const int Length = 55;

    /// <summary>True when a trace context says that its trace is kept. Looks at one character: what is malformed is found by
    /// <see cref="Start"/>.</summary>
    /// <param name="traceParent">W3C <c>traceparent</c>, version 00; null = no trace.</param>
    public static bool IsSampled(string? traceParent) =>
        traceParent is { Length: Length } && "13579bdf".Contains(traceParent[^1], StringComparison.Ordinal);

    /// <summary>Starts a span under the one that a trace context names.</summary>
    /// <param name="source">Whose span it is. Callers ask <see cref="ActivitySource.HasListeners"/> first, so that nothing is
    /// paid while nobody listens.</param>
    /// <param name="name">The span's name.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="traceParent">The parent.</param>
    /// <param name="startedAt">When it began; default = now.</param>
    /// <returns>Null when the trace is not kept, the context is malformed, or nobody wants the span.</returns>
    public static Activity? Start(
        ActivitySource source, string name, ActivityKind kind, string? traceParent, DateTimeOffset startedAt = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!IsSampled(traceParent) || !ActivityContext.TryParse(traceParent, null, isRemote: true, out var parent)) return null;
        return source.StartActivity(name, kind, parent, startTime: startedAt);
    }

    /// <summary>Names the change that a span is about. The key is left out: traces leave the system.</summary>
    /// <param name="span">The span.</param>
    /// <param name="key">The key, for its vault and collection.</param>
    /// <param name="sequence">The sequence.</param>
    /// <param name="position">Feed and position.</param>
    public static void Describe(Activity span, SyncedKey key, Sequence sequence, FeedPosition position)
    {
        ArgumentNullException.ThrowIfNull(span);
        span.SetTag("sync.vault", key.Vault);
        span.SetTag("sync.collection", key.Collection);
        span.SetTag("sync.sequence", sequence.Value);
        span.SetTag("sync.feed", position.Feed.Value);
        span.SetTag("sync.position", position.Position.Value);
    }
}

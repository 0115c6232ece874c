using System.Diagnostics;
using System.Diagnostics.Metrics;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>How a live envelope became visible: span <c>sync.apply</c> of source <c>Sync.Replication</c>, and how long after
/// its commit. Neither costs more than a look while nobody listens.</summary>
internal static class ApplyTelemetry
{
    private static readonly ActivitySource Source = new(ReplicationMetrics.MeterName);

    /// <summary>A span that goes on with the envelope's trace, also for what applying makes observers do; null when there is
    /// none.</summary>
    public static Activity? Begin(Envelope envelope)
    {
        if (envelope.TraceParent is null || !Source.HasListeners()) return null;
        var span = Tracing.Start(Source, "sync.apply", ActivityKind.Consumer, envelope.TraceParent);
        if (span is not null)
            Tracing.Describe(span, envelope.Key, envelope.Sequence, new(envelope.Feed, envelope.History, envelope.Position));
        return span;
    }

    /// <summary>Says what became of it: in how many replicas it is visible now.</summary>
    public static void End(Activity? span, Envelope envelope, int applied, string kind, TimeProvider time)
    {
        span?.SetTag("sync.replicas.applied", applied);
        if (applied == 0 || !ReplicationMetrics.Lag.Enabled || envelope.Time == default) return;
        // Clocks of two machines differ: less than nothing is none.
        var lag = (time.GetUtcNow() - envelope.Time.ToDateTimeOffset()).TotalSeconds;
        ReplicationMetrics.Lag.Record(Math.Max(0, lag), new KeyValuePair<string, object?>("kind", kind));
    }
}

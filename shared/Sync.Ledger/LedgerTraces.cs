using System.Diagnostics;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Spans of source <c>Sync.Ledger</c>, each under the span of the write that its fact came with.</summary>
internal static class LedgerTraces
{
    // A group has up to 10,000 facts: traces are samples, and what a commit costs must not hang on how many are kept.
    private const int CommitSpansMax = 32;

    private static readonly ActivitySource Source = new("Sync.Ledger");

    /// <summary>One <c>sync.commit</c> for each trace in the group, after the fact: writes of one request share a trace and so
    /// a span, and a group without sampled writes costs a look at each fact, only while somebody listens.</summary>
    public static void Commit(FactGroup group, string outcome, DateTimeOffset startedAt)
    {
        if (!Source.HasListeners()) return;
        HashSet<string>? parents = null;
        foreach (var (fact, _) in group.Facts)
        {
            if (!Tracing.IsSampled(fact.TraceParent) || !(parents ??= []).Add(fact.TraceParent!)) continue;
            using var span = Tracing.Start(Source, "sync.commit", ActivityKind.Internal, fact.TraceParent, startedAt);
            if (span is not null)
            {
                span.SetTag("sync.feed", fact.Feed.Value);
                span.SetTag("sync.group.facts", group.Facts.Count);
                span.SetTag("sync.outcome", outcome);
                if (outcome != LedgerMetrics.CommittedName) span.SetStatus(ActivityStatusCode.Error, outcome);
            }
            if (parents.Count == CommitSpansMax) return;
        }
    }

    /// <summary>A <c>sync.publish</c> around handing over an envelope; null when its trace is not kept.</summary>
    public static Activity? Publish(Fact fact, HistoryId history)
    {
        if (fact.TraceParent is null || !Source.HasListeners()) return null;
        var span = Tracing.Start(Source, "sync.publish", ActivityKind.Producer, fact.TraceParent);
        if (span is not null) Tracing.Describe(span, fact.Key, fact.Sequence, new(fact.Feed, history, fact.Position));
        return span;
    }
}

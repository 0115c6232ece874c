using System.Diagnostics.Metrics;

namespace Sync.Replication;

/// <summary>Metrics of collection replicas, summed when somebody looks; see <see cref="ReplicationMetrics"/>.</summary>
internal static class CollectionMetrics
{
    private static readonly Meter Meter = new(ReplicationMetrics.MeterName);
    private static readonly Lock Gate = new();
    private static CollectionCounters s_gone;

    static CollectionMetrics()
    {
        Count("applied", "Values and tombstones applied", counters => counters.Applied);
        Count("ignored_stale", "Records that were known already", counters => counters.IgnoredStale);
        Count("gaps", "Missed changes that the next one showed", counters => counters.Gaps);
        Count("tail_gaps", "Missed changes that only a beat showed", counters => counters.TailGaps);
        Count("parse_errors", "Values that the parse gate refused", counters => counters.ParseErrors);
        Count("schema_skews", "Values that the schema-major gate refused", counters => counters.SchemaSkews);
        Count("wrong_key", "Envelopes of no key of the scope", counters => counters.WrongKey);
        Count("snapshots", "Snapshots loaded to the end", counters => counters.Snapshots);
        Count("pages", "Pages of snapshots", counters => counters.Pages);
        Count("changes_pages", "Pages of changes", counters => counters.ChangesPages);
        Count("resets", "Replaced histories", counters => counters.Resets);
        Count("refetches", "Refused keys asked for once more", counters => counters.Refetches);
        Count("failures", "Requests that failed", counters => counters.Failures);
        Count("buffer_drops", "Live envelopes that did not fit into the buffer", counters => counters.BufferDrops);
        Meter.CreateObservableUpDownCounter("sync.collection.count", () => Sum(_ => 1), "{replica}", "Collection replicas");
        Meter.CreateObservableUpDownCounter("sync.collection.records", () => Sum(replica => replica.Count), "{record}", "Records held");
    }

    /// <summary>Makes the metrics known to listeners.</summary>
    public static void Begin()
    {
        // The static constructor has done it.
    }

    /// <summary>Keeps what a replica counted when it goes.</summary>
    public static void Retire(in CollectionCounters counters)
    {
        lock (Gate) s_gone = Plus(s_gone, counters);
    }

    private static CollectionCounters Plus(in CollectionCounters left, in CollectionCounters right) => new()
    {
        Applied = left.Applied + right.Applied,
        IgnoredStale = left.IgnoredStale + right.IgnoredStale,
        Gaps = left.Gaps + right.Gaps,
        TailGaps = left.TailGaps + right.TailGaps,
        ParseErrors = left.ParseErrors + right.ParseErrors,
        SchemaSkews = left.SchemaSkews + right.SchemaSkews,
        WrongKey = left.WrongKey + right.WrongKey,
        Snapshots = left.Snapshots + right.Snapshots,
        Pages = left.Pages + right.Pages,
        ChangesPages = left.ChangesPages + right.ChangesPages,
        Resets = left.Resets + right.Resets,
        Refetches = left.Refetches + right.Refetches,
        Failures = left.Failures + right.Failures,
        BufferDrops = left.BufferDrops + right.BufferDrops,
    };

    private static void Count(string name, string description, Func<CollectionCounters, long> pick) =>
        Meter.CreateObservableCounter("sync.collection." + name, () => pick(Total()), description: description);

    private static CollectionCounters Total()
    {
        CollectionCounters total;
        lock (Gate) total = s_gone;
        foreach (var hub in ReplicationMetrics.Running())
            foreach (var replica in hub.AllCollections()) total = Plus(total, replica.Counters);
        return total;
    }

    private static long Sum(Func<CollectionReplica, long> pick) =>
        ReplicationMetrics.Running().Sum(hub => hub.AllCollections().Sum(pick));
}

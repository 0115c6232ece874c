using System.Diagnostics.Metrics;

namespace Sync.Replication;

/// <summary>All metrics of the project. Replicas count in plain fields and are summed when somebody looks, so the
/// apply path pays nothing. Safe from any thread: one lock guards the list of hubs; sums of running counters may be
/// a moment old.</summary>
internal static class ReplicationMetrics
{
    public const string MeterName = "Sync.Replication";

    private static readonly Meter Meter = new(MeterName);
    /// <summary>From the transaction time of a live envelope to its value being visible.</summary>
    public static readonly Histogram<double> Lag = Meter.CreateHistogram(
        "sync.replica.lag", "s", "Time from a commit to its value being visible here, of live deliveries",
        advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300],
        });

    private static readonly Lock Gate = new();
    private static readonly List<ReplicaHub> Hubs = [];
    private static ReplicaCounters s_gone;

    static ReplicationMetrics()
    {
        Count("applied", "Values applied", counters => counters.Applied);
        Count("ignored_stale", "Envelopes at or below the applied sequence", counters => counters.IgnoredStale);
        Count("gaps", "Skipped sequences", counters => counters.Gaps);
        Count("parse_errors", "Values that the parse gate refused", counters => counters.ParseErrors);
        Count("refetches", "Recoveries begun", counters => counters.Refetches);
        Count("schema_skews", "Values that the schema-major gate refused", counters => counters.SchemaSkews);
        Count("wrong_key", "Envelopes that name another key", counters => counters.WrongKey);
        Count("coalesced", "Requests that joined a recovery in flight", counters => counters.Coalesced);
        Count("refetch_failures", "Attempts without an answer", counters => counters.RefetchFailures);
        Count("tail_gaps", "Changes that only a beat revealed", counters => counters.TailGaps);
        Count("resets", "Replaced histories", counters => counters.Resets);
        Count("backfills_abandoned", "Backfills that ended at a bound", counters => counters.BackfillsAbandoned);
        Count("observer_errors", "Exceptions of observers and cells", counters => counters.ObserverErrors);
        Meter.CreateObservableUpDownCounter("sync.replica.count", () => Sum(hub => hub.ReplicaCount), "{replica}", "Replicas");
        Meter.CreateObservableUpDownCounter("sync.refetch.in_flight", () => Sum(hub => hub.RefetchesInFlight), "{request}",
            "Refetch requests in flight");
        Meter.CreateObservableUpDownCounter("sync.refetch.keys", () => Sum(hub => hub.RefetchKeyCount), "{key}",
            "Keys that wait for a refetch or are in flight");
    }

    public static void Add(ReplicaHub hub)
    {
        CollectionMetrics.Begin();
        lock (Gate) Hubs.Add(hub);
    }

    /// <summary>The hubs that run.</summary>
    public static IReadOnlyList<ReplicaHub> Running()
    {
        lock (Gate) return [.. Hubs];
    }

    public static void Remove(ReplicaHub hub)
    {
        lock (Gate) Hubs.Remove(hub);
    }

    /// <summary>Keeps what a replica counted when it goes.</summary>
    public static void Retire(in ReplicaCounters counters)
    {
        lock (Gate) s_gone = Plus(s_gone, counters);
    }

    public static ReplicaCounters Plus(in ReplicaCounters left, in ReplicaCounters right) => new()
    {
        Applied = left.Applied + right.Applied,
        IgnoredStale = left.IgnoredStale + right.IgnoredStale,
        Gaps = left.Gaps + right.Gaps,
        ParseErrors = left.ParseErrors + right.ParseErrors,
        Refetches = left.Refetches + right.Refetches,
        SchemaSkews = left.SchemaSkews + right.SchemaSkews,
        WrongKey = left.WrongKey + right.WrongKey,
        Coalesced = left.Coalesced + right.Coalesced,
        RefetchFailures = left.RefetchFailures + right.RefetchFailures,
        TailGaps = left.TailGaps + right.TailGaps,
        Resets = left.Resets + right.Resets,
        BackfillsAbandoned = left.BackfillsAbandoned + right.BackfillsAbandoned,
        ObserverErrors = left.ObserverErrors + right.ObserverErrors,
    };

    private static void Count(string name, string description, Func<ReplicaCounters, long> pick) =>
        Meter.CreateObservableCounter("sync.replica." + name, () => pick(Total()), description: description);

    private static ReplicaCounters Total()
    {
        lock (Gate)
        {
            var total = s_gone;
            foreach (var hub in Hubs) total = Plus(total, hub.Counters);
            return total;
        }
    }

    private static long Sum(Func<ReplicaHub, long> pick)
    {
        lock (Gate)
        {
            var sum = 0L;
            foreach (var hub in Hubs) sum += pick(hub);
            return sum;
        }
    }
}

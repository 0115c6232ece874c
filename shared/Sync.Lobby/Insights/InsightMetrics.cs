using System.Diagnostics.Metrics;

namespace Sync.Lobby.Insights;

/// <summary>All figures of meter <c>Sync.Lobby</c>, by group; read from the runner's own when somebody looks.</summary>
internal sealed class InsightMetrics : IDisposable
{
    private readonly Meter _meter = new("Sync.Lobby");
    private readonly KeyValuePair<string, object?> _group;
    private readonly Func<InsightStatus> _status;

    public InsightMetrics(string group, Func<InsightStatus> status)
    {
        (_group, _status) = (new("group", group), status);
        Now("shards", "{shard}", "Shards of the group that are known", status => status.Shards);
        Now("pending", "{shard}", "Shards that wait or are derived", status => status.Pending);
        Now("dead_letters", "{shard}", "Shards that could not be derived", status => status.DeadLetters);
        Count("changes", "{change}", "Changes of the group's shards", counts => counts.Changes);
        Count("coalesced", "{change}", "Changes that needed no derivation of their own", counts => counts.Coalesced);
        Count("derived", "{shard}", "Derivations of shards that ended, well or not", counts => counts.Derived);
        Count("written", "{summary}", "Summaries that stood after a derivation", counts => counts.Written);
        Count("failed", "{summary}", "Summaries that a derivation could not give", counts => counts.Failed);
        Count("retries", "{shard}", "Shards that were tried again", counts => counts.Retries);
        Count("redelivered", "{request}", "Requests handed out again since nothing was heard", counts => counts.Redelivered);
        Count("follow_failures", "{failure}", "Times that following or comparing failed", counts => counts.FollowFailures);
    }

    public void Dispose() => _meter.Dispose();

    private void Now(string name, string unit, string description, Func<InsightStatus, long> pick) =>
        _meter.CreateObservableGauge(
            "sync.insight." + name, () => new Measurement<long>(pick(_status()), _group), unit, description);

    private void Count(string name, string unit, string description, Func<InsightCounts, long> pick) =>
        _meter.CreateObservableCounter(
            "sync.insight." + name, () => new Measurement<long>(pick(_status().Counts), _group), unit, description);
}

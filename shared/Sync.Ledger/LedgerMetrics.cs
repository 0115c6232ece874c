using System.Diagnostics.Metrics;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>All instruments of the project, on the meter <c>Sync.Ledger</c>; one set for each node.</summary>
internal sealed class LedgerMetrics : IDisposable
{
    /// <summary>The outcome of a commit that returned.</summary>
    public const string CommittedName = "committed";

    private readonly Meter _meter = new("Sync.Ledger");
    private readonly Counter<long> _commits;
    private readonly Histogram<int> _groupFacts;
    private readonly Histogram<double> _commitSeconds;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _takeOvers;
    private readonly Counter<long> _published;
    private readonly Counter<long> _beats;
    private readonly Counter<long> _publishRestarts;

    public LedgerMetrics(Func<IReadOnlyList<OwnedFeed>> owned)
    {
        _commits = _meter.CreateCounter<long>("sync.ledger.commits", "{group}", "Group commits by outcome");
        _groupFacts = _meter.CreateHistogram<int>("sync.ledger.group.facts", "{fact}", "Facts of a committed group");
        _commitSeconds = _meter.CreateHistogram<double>(
            "sync.ledger.commit.duration", "s", "Time of a commit, any outcome", advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30],
            });
        _refusals = _meter.CreateCounter<long>("sync.ledger.refusals", "{write}", "Refused writes by code");
        _takeOvers = _meter.CreateCounter<long>("sync.ledger.takeovers", "{feed}", "Leases acquired");
        _published = _meter.CreateCounter<long>(
            "sync.ledger.published", "{envelope}", "Envelopes handed to the bus, repeats included");
        _beats = _meter.CreateCounter<long>("sync.ledger.beats", "{beat}", "Beats handed to the bus");
        _publishRestarts = _meter.CreateCounter<long>(
            "sync.ledger.publish.restarts", "{restart}", "Times that publishing started again");
        _meter.CreateObservableGauge(
            "sync.ledger.queue", () => Each(owned(), feed => feed.Queued), "{write}", "Writes not answered yet");
        _meter.CreateObservableGauge(
            "sync.ledger.publish.lag",
            () => Each(owned(), feed => feed.Committed.Value - feed.Confirmed.Value), "{fact}", "Facts committed and not confirmed as published");
    }

    public void Commit(FactGroup group, CommitOutcome outcome, TimeSpan time)
    {
        _commits.Add(1, new KeyValuePair<string, object?>("outcome", NameOf(outcome)));
        _commitSeconds.Record(time.TotalSeconds);
        if (outcome is CommitOutcome.Committed) _groupFacts.Record(group.Facts.Count);
    }

    public void Refused(RefusalCode code) =>
        _refusals.Add(1, new KeyValuePair<string, object?>("code", code.ToString()));

    public void TakenOver() => _takeOvers.Add(1);

    public void Published() => _published.Add(1);

    public void Beat() => _beats.Add(1);

    public void PublishRestarted() => _publishRestarts.Add(1);

    public void Dispose() => _meter.Dispose();

    public static string NameOf(CommitOutcome outcome) => outcome switch
    {
        CommitOutcome.Committed => CommittedName,
        CommitOutcome.Fenced => "fenced",
        CommitOutcome.TooEarly => "too-early",
        CommitOutcome.DuplicateKey => "duplicate-key",
        CommitOutcome.DataError => "data-error",
        CommitOutcome.Unknown => "unknown",
        _ => "failed",
    };

    private static IEnumerable<Measurement<long>> Each(IReadOnlyList<OwnedFeed> owned, Func<OwnedFeed, long> value) =>
        owned.Select(feed =>
            new Measurement<long>(value(feed), new KeyValuePair<string, object?>("feed", feed.Feed.Value)));
}

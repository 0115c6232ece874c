using System.Diagnostics.Metrics;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Figures of one changefeed, on the meter <c>Sync.Ledger</c>.</summary>
internal sealed class ChangefeedMetrics : IDisposable
{
    private readonly Meter _meter = new("Sync.Ledger");
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _resets;
    private readonly Counter<long> _reads;
    private long _droppedCount;
    private long _resetsCount;
    private long _readsCount;

    public ChangefeedMetrics(Func<IEnumerable<ChangefeedReader>> readers)
    {
        _dropped = _meter.CreateCounter<long>(
            "sync.ledger.changefeed.dropped", "{reader}", "Readers that skipped to the latest");
        _resets = _meter.CreateCounter<long>(
            "sync.ledger.changefeed.resets", "{reader}", "Cursors that could not be continued, by reason");
        _reads = _meter.CreateCounter<long>(
            "sync.ledger.changefeed.reads", "{read}", "Reads of the ledger for readers of changefeeds");
        _meter.CreateObservableGauge(
            "sync.ledger.changefeed.readers", () => readers().Count(), "{reader}", "Readers of changefeeds");
        _meter.CreateObservableGauge(
            "sync.ledger.changefeed.lag", () => readers().Select(reader => reader.Lag).DefaultIfEmpty().Max(), "{fact}",
            "Positions that the last reader is behind");
    }

    public ChangefeedCounts Counts(int readers) => new(
        readers, Volatile.Read(ref _droppedCount), Volatile.Read(ref _resetsCount), Volatile.Read(ref _readsCount));

    public void Told(FeedEvent told)
    {
        switch (told)
        {
            case FeedEvent.Dropped:
                Interlocked.Increment(ref _droppedCount);
                _dropped.Add(1);
                break;
            case FeedEvent.Reset reset:
                Interlocked.Increment(ref _resetsCount);
                _resets.Add(1, new KeyValuePair<string, object?>("reason", reset.Reason.ToString()));
                break;
        }
    }

    public void Read()
    {
        Interlocked.Increment(ref _readsCount);
        _reads.Add(1);
    }

    public void Dispose() => _meter.Dispose();
}

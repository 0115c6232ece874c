using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Testing.Replication;
using Sync.Transport;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Telemetry;

/// <summary>What a listener in the process sees of writes and applies. Other tests run beside: each looks for a trace and a
/// lag that only it has.</summary>
public sealed class TraceTests : IAsyncLifetime
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Ahead = TimeSpan.FromSeconds(4000);
    private readonly ActivityTraceId _trace = ActivityTraceId.CreateRandom();
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly MemoryLedgerStore _store = new(TimeProvider.System);
    private readonly InProcessTransport _transport = new();
    private LedgerNode _node = null!;
    private ReplicaHub _hub = null!;

    public async ValueTask InitializeAsync()
    {
        var source = new StoreSource(_store);
        _node = new LedgerNode(_store, _transport, new LedgerOptions { Owner = "one" }, TimeProvider.System, new UuidV7Source());
        await _node.StartAsync();
        _hub = await ReplicaHub.StartAsync(_transport, source, time: new AheadTime(), pages: source);
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _node.DisposeAsync();
        await _transport.DisposeAsync();
    }

    [Xunit.Fact]
    public async Task Writes_of_one_request_share_a_commit_span_and_each_has_its_own_to_its_apply()
    {
        using var listener = Listen();
        await using var key = await OpenKeyAsync("a");
        await using var all = await OpenAllAsync();
        var write = $"00-{_trace}-00f067aa0ba902b7-01";
        await _node.WriteAtomicAsync([Put(User("a")) with { TraceParent = write }, Put(User("b")) with { TraceParent = write }]);
        await UntilAsync(() => _spans.Count(span => span.OperationName == "sync.apply") == 3);

        _spans.Where(span => span.OperationName == "sync.commit").ShouldHaveSingleItem().ParentId.ShouldBe(write);
        var published = _spans.Where(span => span.OperationName == "sync.publish").ToList();
        published.Count.ShouldBe(2);
        published.ShouldAllBe(span => span.ParentId == write);
        var applied = _spans.Where(span => span.OperationName == "sync.apply").ToList();
        applied.Select(span => span.ParentId).ToHashSet(StringComparer.Ordinal)
            .SetEquals(published.Select(span => span.Id)).ShouldBeTrue();
        applied.ShouldAllBe(span => span.TraceId == _trace && (int)span.GetTagItem("sync.replicas.applied")! == 1);
    }

    [Xunit.Fact]
    public async Task A_write_without_a_kept_trace_has_no_span()
    {
        using var listener = Listen();
        await using var all = await OpenAllAsync();
        await _node.WriteAsync(Put(User("a")) with { TraceParent = $"00-{_trace}-00f067aa0ba902b7-00" });
        await _node.WriteAsync(Put(User("b")) with { TraceParent = $"00-{_trace}-00f067aa0ba902b7-zz" });
        await _node.WriteAsync(Put(User("c")));
        await UntilAsync(() => all.Count == 3);
        _spans.ShouldBeEmpty();
    }

    [Xunit.Fact]
    public async Task The_lag_is_measured_once_for_each_live_apply_and_not_for_what_is_loaded()
    {
        await _node.WriteAsync(Put(User("old")));
        var seen = new ConcurrentQueue<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "sync.replica.lag") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, lag, tags, _) =>
        {
            if (lag > Ahead.TotalSeconds - 1 && lag < Ahead.TotalSeconds + 60) seen.Enqueue((string)tags[0].Value!);
        });
        listener.Start();
        await using var key = await OpenKeyAsync("a");
        await using var all = await OpenAllAsync();
        await _node.WriteAsync(Put(User("a")));
        await _node.WriteAsync(Put(User("b")));
        await UntilAsync(() => seen.Count >= 3);
        seen.Order(StringComparer.Ordinal).ShouldBe(["collection", "collection", "key"]);
    }

    private async Task<Replica<string>> OpenKeyAsync(string key)
    {
        var replica = await _hub.OpenAsync(new ReplicaOptions<string> { Key = User(key), Schema = new TextSchema() });
        await replica.WhenIdleAsync().WaitAsync(Most);
        return replica;
    }

    private async Task<CollectionReplica<string>> OpenAllAsync()
    {
        var all = await _hub.OpenCollectionAsync(new CollectionReplicaOptions<string>
        {
            Scope = SyncedPattern.OfCollection(User("a").Vault, User("a").Collection),
            Schema = new TextSchema(),
        });
        await all.WhenLoadedAsync().WaitAsync(Most);
        return all;
    }

    private ActivityListener Listen()
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name.StartsWith("Sync.", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                options.TraceId == _trace ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            // Also told of what listeners of other tests keep.
            ActivityStopped = span =>
            {
                if (span.TraceId == _trace) _spans.Enqueue(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static async Task UntilAsync(Func<bool> isTrue)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var late = new CancellationTokenSource(Most);
        while (!isTrue()) await tick.WaitForNextTickAsync(late.Token);
    }

    // Its wall clock is ahead, so that what this hub measures is told from what others do.
    private sealed class AheadTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }
}

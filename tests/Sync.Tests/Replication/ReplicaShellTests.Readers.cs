using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;

namespace Sync.Tests.Replication;

// What readers of a replica see: waits, observers, cells, watches.
public sealed partial class ReplicaShellTests
{
    [Fact]
    public async Task Read_your_writes_completes_with_the_envelope_or_asks_after_fifty_milliseconds()
    {
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        var first = _writer.Put(Key, "one");
        var waiting = replica.WaitForAsync(At(first));
        await _transport.PublishAsync(Key, first);
        await waiting.WaitAsync(Bound);
        replica.Value.ShouldBe("one");
        var requests = _writer.Requests.Count;

        var lost = _writer.Put(Key, "two");
        waiting = replica.WaitForAsync(At(lost));
        _writer.Requests.Count.ShouldBe(requests);
        await AdvanceUntilAsync(waiting, TimeSpan.FromMilliseconds(50));
        replica.Value.ShouldBe("two");
        _writer.Requests.Count.ShouldBe(requests + 1);
    }

    [Fact]
    public async Task A_wait_ends_with_an_error_for_another_feed_at_its_time_when_cancelled_and_when_disposed()
    {
        var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        var elsewhere = new FeedPosition(new(9), _writer.History, new(1));
        (await Should.ThrowAsync<SyncException>(replica.WaitForAsync(elsewhere))).Code.ShouldBe(SyncErrorCode.Invalid);
        var restored = new FeedPosition(_writer.Feed, new(1), new(1));
        (await Should.ThrowAsync<SyncException>(replica.WaitForAsync(restored))).Code.ShouldBe(SyncErrorCode.Invalid);

        var never = new FeedPosition(_writer.Feed, _writer.History, new(1000));
        var timed = replica.WaitForAsync(never, TimeSpan.FromSeconds(2));
        await AdvanceUntilAsync(timed, TimeSpan.FromMilliseconds(100));
        (await Should.ThrowAsync<SyncException>(timed)).Code.ShouldBe(SyncErrorCode.Exhausted);
        using var cancel = new CancellationTokenSource();
        var cancelled = replica.WaitForAsync(never, cancellation: cancel.Token);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(cancelled);
        var orphan = replica.WaitForAsync(never);
        await replica.DisposeAsync();
        (await Should.ThrowAsync<SyncException>(orphan)).Code.ShouldBe(SyncErrorCode.Stopped);
    }

    [Fact]
    public async Task A_reset_is_never_told_behind_the_changes_that_followed_it()
    {
        const int Changes = 1100; // more than wait for their turn
        var log = new ResetLog();
        await using var hub = await ReplicaHub.StartAsync(_transport, _writer, time: _time, log: log, random: new Random(1));
        await using var replica = await hub.OpenAsync(Options() with { Seed = _writer.Put(Key, "old") });
        var told = new ConcurrentQueue<ReplicaChange<string>>();
        replica.Changes.Subscribe(new Observer(told.Enqueue));
        // All of them come between the reset and the moment at which it is handed on to be told.
        log.AtReset = () =>
        {
            for (var number = 1; number <= Changes; number++)
            {
                _transport.PublishAsync(Key, _writer.Put(Key, $"{number}")).AsTask().IsCompletedSuccessfully.ShouldBeTrue();
                SpinWait.SpinUntil(() => replica.Sequence == new Sequence(number), Bound).ShouldBeTrue();
            }
        };
        _writer.Restore(0, history: 99);

        await BeatAsync();

        await UntilAsync(() => told.Sum(change => change.Missed + 1) > Changes);
        told.Select(change => change.Metadata.Sequence.Value).ShouldBeInOrder();
        told.Last().Value.ShouldBe($"{Changes}");
    }

    [Fact]
    public async Task An_observer_that_throws_is_counted_and_breaks_nothing()
    {
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        replica.Changes.Subscribe(new Observer(_ => throw new InvalidOperationException("mine")));
        var applied = NextAsync(replica, change => change.Value == "two");
        await _transport.PublishAsync(Key, _writer.Put(Key, "one"));
        await _transport.PublishAsync(Key, _writer.Put(Key, "two"));
        await applied.WaitAsync(Bound);
        (replica.Value, replica.Counters.ObserverErrors).ShouldBe(("two", 2));
    }

    [Fact]
    public async Task Cells_follow_the_value_and_tracked_readers_are_told_once()
    {
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        var told = new TaskCompletionSource();
        CellTracker.Track(() => replica.Cell.Get(), () => told.SetResult()).ShouldBeNull();
        replica.Cell.Peek().ShouldBeNull();
        var applied = NextAsync(replica, change => change.Value == "two");
        await _transport.PublishAsync(Key, _writer.Put(Key, "one"));
        await _transport.PublishAsync(Key, _writer.Put(Key, "two"));
        await told.Task.WaitAsync(Bound);
        await applied.WaitAsync(Bound);
        replica.Cell.Get().ShouldBe("two");
        replica.MetadataCell.Get().ShouldBe(replica.Metadata);
    }

    [Fact]
    public async Task A_watch_begins_with_the_current_state_and_a_slow_one_is_told_how_much_it_missed()
    {
        _writer.Put(Key, "0");
        await using var replica = await _hub.OpenAsync(Options() with { WatchBufferMax = 4 });
        await replica.WhenIdleAsync().WaitAsync(Bound);
        await using var watch = replica.WatchAsync().GetAsyncEnumerator();
        (await watch.MoveNextAsync()).ShouldBeTrue();
        (watch.Current.Kind, watch.Current.Value).ShouldBe((ReplicaChangeKind.Current, "0"));

        var last = NextAsync(replica, change => change.Value == "20");
        for (var value = 1; value <= 20; value++) await _transport.PublishAsync(Key, _writer.Put(Key, $"{value}"));
        await last.WaitAsync(Bound);
        var seen = new List<string?>();
        var missed = 0L;
        while (seen.Count < 4 && await watch.MoveNextAsync())
        {
            seen.Add(watch.Current.Value);
            missed += watch.Current.Missed;
        }
        seen.ShouldBe(["17", "18", "19", "20"]);
        missed.ShouldBe(16);
        await replica.DisposeAsync();
        (await watch.MoveNextAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task Readers_never_see_a_torn_pair_or_a_sequence_that_goes_back()
    {
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            var last = 0L;
            var reads = 0;
            while (!stop.IsCancellationRequested || reads == 0)
            {
                var (value, metadata) = replica.State;
                if (metadata.HasValue) value.ShouldBe($"{metadata.Sequence}");
                metadata.Sequence.Value.ShouldBeGreaterThanOrEqualTo(last);
                last = metadata.Sequence.Value;
                reads++;
            }
        });
        var applied = NextAsync(replica, change => change.Metadata.Sequence.Value == 5000);
        for (var value = 1; value <= 5000; value++) await _transport.PublishAsync(Key, _writer.Put(Key, $"{value}"));
        await AdvanceUntilAsync(applied, TimeSpan.FromMilliseconds(500));
        await stop.CancelAsync();
        await reading.WaitAsync(Bound);
    }

    private sealed class ResetLog : ILogger
    {
        private const int HistoryReplaced = 3005;

        public Action? AtReset { get; set; }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == HistoryReplaced) AtReset?.Invoke();
        }
    }
}

using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing;
using Sync.Testing.Replication;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Replication;

public sealed partial class ReplicaShellTests : IAsyncLifetime
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);
    private static readonly SyncedKey Key = new("acme", "user", "123");
    private readonly ModelWriter _writer = new();
    private readonly InProcessTransport _transport = new();
    private readonly ManualTimeProvider _time = new();
    private readonly TextSchema _schema = new() { Version = new("1.0") };
    private ReplicaHub _hub = null!;

    public async ValueTask InitializeAsync() =>
        _hub = await ReplicaHub.StartAsync(_transport, _writer, time: _time, random: new Random(1));

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _transport.DisposeAsync();
    }

    [Fact]
    public async Task A_replica_fetches_at_birth_and_then_follows_what_is_published()
    {
        _writer.Put(Key, "one");
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        replica.Value.ShouldBe("one");
        replica.Status.ShouldBe(ReplicaStatus.Ok);

        var applied = NextAsync(replica, change => change.Kind == ReplicaChangeKind.Applied);
        await _transport.PublishAsync(Key, _writer.Put(Key, "two"));
        (await applied.WaitAsync(Bound)).Value.ShouldBe("two");
        replica.State.ShouldBe(new ReplicaState<string>("two", replica.Metadata));
        replica.Sequence.ShouldBe(new Sequence(2));
        replica.Counters.Refetches.ShouldBe(1);
    }

    [Fact]
    public async Task A_change_that_falls_between_fetch_and_subscription_is_not_lost()
    {
        var slow = new GatedTransport(_transport);
        await using var hub = await ReplicaHub.StartAsync(slow, _writer, time: _time, random: new Random(1));
        var opening = hub.OpenAsync(Options());
        await slow.Subscribing.WaitAsync(Bound);
        _writer.Requests.ShouldBeEmpty("the fetch waits for the confirmed subscription");
        _writer.Put(Key, "one");
        slow.Confirm();
        await using var replica = await opening.WaitAsync(Bound);
        await replica.WhenIdleAsync().WaitAsync(Bound);
        replica.Value.ShouldBe("one");
    }

    [Fact]
    public async Task With_a_usable_seed_nothing_is_fetched_at_birth_and_without_one_it_is()
    {
        var seed = _writer.Put(Key, "one");
        await using var seeded = await _hub.OpenAsync(Options() with { Seed = seed });
        (seeded.Value, seeded.Status).ShouldBe(("one", ReplicaStatus.Ok));
        _writer.Requests.ShouldBeEmpty();
        await using var refused = await _hub.OpenAsync(Options() with { Seed = Bad(1) });
        await refused.WhenIdleAsync().WaitAsync(Bound);
        refused.Value.ShouldBe("one");
        _writer.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_key_without_a_fact_is_known_absent()
    {
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        (replica.Sequence, replica.Status, replica.Metadata.HasValue).ShouldBe((Sequence.None, ReplicaStatus.Ok, false));
    }

    [Fact]
    public async Task Replicas_of_one_key_share_subscription_parse_and_request_and_leave_no_trace()
    {
        var envelope = _writer.Put(Key, "one");
        var replicas = new List<Replica<string>>();
        var allAreOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _writer.BeforeAnswer = () => new ValueTask(allAreOpen.Task);
        for (var count = 0; count < 100; count++) replicas.Add(await OpenAsync());
        allAreOpen.SetResult();
        foreach (var replica in replicas) await replica.WhenIdleAsync().WaitAsync(Bound);
        replicas.ShouldAllBe(replica => ReferenceEquals(replica.Value, replicas[0].Value));
        _schema.Parses.ShouldBe(1, "an envelope is parsed once for all that use one schema");
        (_transport.KeyCount, _hub.KeyCount, _hub.ReplicaCount).ShouldBe((1, 1, 100));
        _writer.Requests.Count.ShouldBeInRange(1, 2);
        envelope.Sequence.ShouldBe(replicas[99].Sequence);

        foreach (var replica in replicas) await replica.DisposeAsync();
        (_transport.KeyCount, _hub.KeyCount, _hub.ReplicaCount, _hub.RefetchKeyCount).ShouldBe((0, 0, 0, 0));
    }

    [Fact]
    public async Task A_lost_last_envelope_is_found_by_the_beat_after_the_grace()
    {
        _writer.Put(Key, "one");
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        await BeatAsync();
        await UntilAsync(() => replica.Freshness.IsCurrent);

        _writer.Put(Key, "two"); // lost on the way
        var recovered = NextAsync(replica, change => change.Value == "two" && change.Metadata.Status == ReplicaStatus.Ok);
        await BeatAsync();
        await UntilAsync(() => !replica.Freshness.IsCurrent);
        replica.Value.ShouldBe("one");
        await AdvanceUntilAsync(recovered, TimeSpan.FromMilliseconds(250));
        (replica.Value, replica.Counters.TailGaps).ShouldBe(("two", 1));
        replica.Freshness.IsCurrent.ShouldBeTrue();
        replica.Freshness.AsOf.ShouldBe(new FeedPosition(_writer.Feed, _writer.History, new(2)));
    }

    [Fact]
    public async Task Missed_beats_check_the_keys_of_the_feed_in_one_request()
    {
        var replicas = new List<Replica<string>>();
        for (var key = 0; key < 20; key++)
        {
            _writer.Put(new("acme", "user", $"{key}"), "old");
            replicas.Add(await _hub.OpenAsync(Options() with { Key = new("acme", "user", $"{key}") }));
        }
        foreach (var replica in replicas) await replica.WhenIdleAsync().WaitAsync(Bound);
        await BeatAsync();
        await UntilAsync(() => replicas.TrueForAll(replica => replica.Freshness.IsCurrent));
        var before = _writer.Requests.Count;
        for (var key = 0; key < 20; key++) _writer.Put(new("acme", "user", $"{key}"), "new");
        _writer.NextBeat(); // lost
        _writer.Put(new("acme", "user", "nobody"), "x");
        await BeatAsync();
        await UntilAsync(() => replicas.TrueForAll(replica => replica.Status == ReplicaStatus.Refetching));
        await AfterSpreadAsync(Task.WhenAll(replicas.Select(replica => replica.WhenIdleAsync())));
        replicas.ShouldAllBe(replica => replica.Value == "new");
        (_writer.Requests.Count - before).ShouldBe(1);
        _writer.Requests[^1].Count.ShouldBe(20);
    }

    [Fact]
    public async Task A_reconnect_checks_all_keys_of_the_connection_in_one_jittered_batch()
    {
        var gated = new GatedTransport(_transport);
        gated.Confirm();
        await using var hub = await ReplicaHub.StartAsync(gated, _writer, time: _time, random: new Random(1));
        var replicas = new List<Replica<string>>();
        for (var key = 0; key < 50; key++)
            replicas.Add(await hub.OpenAsync(Options() with { Key = new("acme", "user", $"{key}"), Seed = _writer.Put(new("acme", "user", $"{key}"), "old") }));
        for (var key = 0; key < 50; key++) _writer.Put(new("acme", "user", $"{key}"), "new");
        gated.Disrupt(Disruption.Reconnected);
        var recovered = NextAsync(replicas[49], change => change.Value == "new" && change.Metadata.Status == ReplicaStatus.Ok);
        _writer.Requests.ShouldBeEmpty();
        await AfterSpreadAsync(recovered);
        foreach (var replica in replicas) await replica.WhenIdleAsync().WaitAsync(Bound);
        replicas.ShouldAllBe(replica => replica.Value == "new");
        _writer.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_overflow_of_one_key_checks_that_key_and_no_other()
    {
        var gated = new GatedTransport(_transport);
        gated.Confirm();
        await using var hub = await ReplicaHub.StartAsync(gated, _writer, time: _time, random: new Random(1));
        await using var hot = await hub.OpenAsync(Options() with { Seed = _writer.Put(Key, "old") });
        await using var calm = await hub.OpenAsync(Options() with { Key = new("acme", "user", "x"), Seed = _writer.Put(new("acme", "user", "x"), "old") });
        _writer.Put(Key, "new");
        gated.Disrupt(Disruption.Overflow, Key);
        var recovered = NextAsync(hot, change => change.Value == "new" && change.Metadata.Status == ReplicaStatus.Ok);
        await AfterSpreadAsync(recovered);
        _writer.Requests.Single().ShouldBe([new("user", Key.Key, new(1))]);
        calm.Counters.Refetches.ShouldBe(0);
    }

    [Fact]
    public async Task A_replica_that_subscribes_after_its_fetch_loses_what_falls_between()
    {
        var slow = new GatedTransport(_transport);
        var options = new ReplicaHubOptions { Faults = new PlantedFaults { SubscribeAfterFetch = true } };
        await using var hub = await ReplicaHub.StartAsync(slow, _writer, options, _time, random: new Random(1));
        var opening = hub.OpenAsync(Options());
        await slow.Subscribing.WaitAsync(Bound);
        _writer.Put(Key, "one");
        slow.Confirm();
        await using var replica = await opening.WaitAsync(Bound);
        replica.Metadata.HasValue.ShouldBeFalse("the planted fault breaks the rule that the simulation must see broken");
    }

    [Fact]
    public async Task Every_counter_is_a_metric()
    {
        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == "Sync.Replication") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => seen[instrument.Name] = value);
        listener.Start();
        await using var replica = await _hub.OpenAsync(Options() with { Seed = _writer.Put(Key, "one") });
        listener.RecordObservableInstruments();
        foreach (var name in new[]
        {
            "applied", "ignored_stale", "gaps", "parse_errors", "refetches", "schema_skews", "wrong_key", "coalesced", "refetch_failures",
            "tail_gaps", "resets", "backfills_abandoned", "observer_errors", "count",
        })
            seen.ShouldContainKey("sync.replica." + name);
        seen["sync.replica.applied"].ShouldBeGreaterThanOrEqualTo(1);
    }

    [Fact]
    public async Task Failures_back_off_to_stale_and_the_next_beat_starts_again()
    {
        _writer.BeforeAnswer = () => throw new SyncException(SyncErrorCode.NoAnswer, "nobody", true);
        await using var replica = await OpenAsync();
        await AdvanceUntilAsync(replica.WhenIdleAsync(), TimeSpan.FromSeconds(1));
        (replica.Status, replica.Counters.RefetchFailures).ShouldBe((ReplicaStatus.Stale, 10));

        _writer.BeforeAnswer = null;
        _writer.Put(new("acme", "user", "other"), "x");
        await BeatAsync();
        await UntilAsync(() => replica.Status == ReplicaStatus.Ok);
        replica.Sequence.ShouldBe(Sequence.None);
    }

    [Fact]
    public async Task A_late_reply_touches_no_cell_after_the_replica_was_disposed()
    {
        var asked = new TaskCompletionSource();
        var reply = new TaskCompletionSource();
        _writer.Put(Key, "one");
        _writer.BeforeAnswer = async () =>
        {
            asked.TrySetResult();
            await reply.Task;
        };
        var cell = new Cell<string>();
        var replica = await _hub.OpenAsync(Options() with { Cell = cell });
        await asked.Task.WaitAsync(Bound);
        await replica.DisposeAsync();
        await replica.DisposeAsync();
        reply.SetResult();
        await UntilAsync(() => _hub.RefetchesInFlight == 0);
        (cell.Peek(), replica.Value).ShouldBe((null, null));
        await replica.WhenIdleAsync().WaitAsync(Bound);
    }

    [Fact]
    public async Task Backfill_delivers_every_change_in_order_although_envelopes_were_lost()
    {
        await using var replica = await _hub.OpenAsync(Options() with { Gaps = GapPolicy.Backfill, Seed = _writer.Put(Key, "1") });
        var seen = new List<string?>();
        replica.Changes.Subscribe(new Observer(change =>
        {
            if (change.Kind == ReplicaChangeKind.Applied) seen.Add(change.Value);
        }));
        var last = NextAsync(replica, change => change.Value == "6" && change.Metadata.Status == ReplicaStatus.Ok);
        foreach (var value in new[] { "2", "3", "4" }) _writer.Put(Key, value); // lost
        await _transport.PublishAsync(Key, _writer.Put(Key, "5"));
        await _transport.PublishAsync(Key, _writer.Put(Key, "6"));
        await last.WaitAsync(Bound);
        seen.ShouldBe(["2", "3", "4", "5", "6"]);
    }

    [Fact]
    public async Task Backfill_without_a_source_of_history_is_refused_by_name()
    {
        await using var hub = await ReplicaHub.StartAsync(_transport, null, time: _time);
        (await Should.ThrowAsync<SyncException>(hub.OpenAsync(Options() with { Gaps = GapPolicy.Backfill }))).Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(hub.OpenAsync(Options() with { Key = new("a b", "user", "1") }))).Message.ShouldContain("Sync:Replica:Key");
        hub.ReplicaCount.ShouldBe(0);
    }

    [Fact]
    public async Task A_restored_ledger_resets_its_replicas_by_its_first_beat()
    {
        for (var value = 1; value <= 5; value++) _writer.Put(Key, $"{value}");
        await using var replica = await OpenAsync();
        await replica.WhenIdleAsync().WaitAsync(Bound);
        await BeatAsync();
        await UntilAsync(() => replica.Freshness.IsCurrent);
        _writer.Restore(2, history: 99);
        var reset = NextAsync(replica, change => change.Metadata.Sequence.Value == 2 && change.Metadata.Status == ReplicaStatus.Ok);
        await BeatAsync();
        await AdvanceUntilAsync(reset, TimeSpan.FromMilliseconds(500));
        (replica.Value, replica.Counters.Resets).ShouldBe(("2", 1));
        replica.Metadata.At.History.ShouldBe(new HistoryId(99));
    }

    [Fact]
    public async Task A_storm_never_asks_the_writer_more_than_four_requests_at_a_time()
    {
        var options = new ReplicaHubOptions { Refetch = new RefetchOptions { KeysPerRequestMax = 10 } };
        await using var hub = await ReplicaHub.StartAsync(_transport, _writer, options, _time, random: new Random(1));
        _writer.BeforeAnswer = async () => await Task.Yield();
        var replicas = await Task.WhenAll(Enumerable.Range(0, 2000).Select(
            key => hub.OpenAsync(Options() with { Key = new("acme", $"user{key % 4}", $"{key}") })));
        foreach (var replica in replicas) await replica.WhenIdleAsync().WaitAsync(Bound);
        replicas.ShouldAllBe(replica => replica.Status == ReplicaStatus.Ok);
        _writer.InFlightMax.ShouldBeLessThanOrEqualTo(4);
    }

    private ReplicaOptions<string> Options() => new() { Key = Key, Schema = _schema };

    private Task<Replica<string>> OpenAsync() => _hub.OpenAsync(Options());

    private ValueTask BeatAsync() => _transport.PublishBeatAsync(_writer.NextBeat());

    private static FeedPosition At(Envelope envelope) => new(envelope.Feed, envelope.History, envelope.Position);

    private static Envelope Bad(long sequence) => new() { Key = Key, Value = "!"u8.ToArray(), SchemaVersion = new("1.0"), Sequence = new(sequence) };

    // Once the loop waits for it the whole spread passes, then time stands still: no request that is under way can time
    // out and be repeated.
    private async Task AfterSpreadAsync(Task done)
    {
        await _time.WhenArmedAsync().WaitAsync(Bound);
        _time.Advance(new RefetchOptions().CheckSpread);
        await done.WaitAsync(Bound);
    }

    // The hub's loop arms its timer on its own thread: move the clock in steps until the event comes.
    private async Task AdvanceUntilAsync(Task done, TimeSpan step)
    {
        var deadline = Task.Run(() => done.WaitAsync(Bound));
        while (!done.IsCompleted && !deadline.IsCompleted)
        {
            _time.Advance(step);
            await Task.Yield();
        }
        if (!done.IsFaulted && !done.IsCanceled) await deadline;
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var bound = new CancellationTokenSource(Bound);
        while (!holds())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static Task<ReplicaChange<string>> NextAsync(Replica<string> replica, Predicate<ReplicaChange<string>> wanted)
    {
        var found = new TaskCompletionSource<ReplicaChange<string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        replica.Changes.Subscribe(new Observer(change =>
        {
            if (wanted(change)) found.TrySetResult(change);
        }));
        return found.Task;
    }

    private sealed class Observer(Action<ReplicaChange<string>> next) : IObserver<ReplicaChange<string>>
    {
        public void OnNext(ReplicaChange<string> value) => next(value);

        public void OnCompleted() { }

        public void OnError(Exception error) { }
    }
}

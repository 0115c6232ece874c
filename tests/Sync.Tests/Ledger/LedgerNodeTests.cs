using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

public sealed class LedgerNodeTests : IAsyncDisposable
{
    private readonly MemoryLedgerStore _ledger = new(TimeProvider.System);
    private readonly RecordingTransport _transport = new();
    private readonly List<LedgerNode> _nodes = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
    }

    [Fact]
    public async Task A_write_is_committed_read_and_published()
    {
        var node = await StartAsync("one");
        var receipt = Committed(await node.WriteAsync(Put(User("a"), "1")));
        (await node.Store.GetAsync(User("a"), AsOf.Now)).ShouldNotBeNull().Id.ShouldBe(receipt.FactId);
        await _transport.WhenAsync(() => _transport.Seen(receipt.Feed).OfType<Beat>().Any(beat => beat.Position == receipt.Position));
        var envelope = _transport.Seen(receipt.Feed).OfType<Envelope>().ShouldHaveSingleItem();
        (envelope.Id, envelope.Sequence, envelope.History)
            .ShouldBe((receipt.FactId, receipt.Sequence, receipt.History));
    }

    [Fact]
    public async Task What_is_published_carries_the_trace_of_its_write()
    {
        const string Trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        var node = await StartAsync("one");
        var receipt = Committed(await node.WriteAsync(Put(User("a"), "1") with { TraceParent = Trace }));
        await _transport.WhenAsync(() => _transport.Seen(receipt.Feed).OfType<Envelope>().Any());
        _transport.Seen(receipt.Feed).OfType<Envelope>().ShouldHaveSingleItem().TraceParent.ShouldBe(Trace);
    }

    [Fact]
    public async Task Many_producers_at_once_leave_a_sound_ledger_and_everything_is_published()
    {
        var node = await StartAsync("one");
        var receipts = await Task.WhenAll(Enumerable.Range(0, 256).Select(producer => Task.Run(async () =>
        {
            var mine = new List<Receipt>();
            for (var turn = 0; turn < 20; turn++)
            {
                var key = new SyncedKey($"vault{producer % 13}", "user", $"k{(producer * 7 + turn) % 50}");
                mine.Add(Committed(await node.WriteAsync(Put(key, $"{turn}", $"{producer}-{turn}"))));
            }
            return mine;
        })));
        receipts.SelectMany(mine => mine).Select(receipt => receipt.FactId).Distinct().Count().ShouldBe(256 * 20);
        foreach (var feed in await _ledger.StatusAsync())
            await _transport.WhenAsync(() => _transport.Positions(feed.Feed).Count == feed.Position.Value);
        await node.StopAsync();
        (await LedgerChecker.CheckAsync(_ledger)).ShouldBeEmpty();
        (await _ledger.StatusAsync()).ShouldAllBe(feed => feed.Published == feed.Position && feed.Owner == null);
    }

    [Fact]
    public async Task A_refused_expectation_comes_with_the_current_record()
    {
        var node = await StartAsync("one");
        Committed(await node.WriteAsync(Put(User("a"), "1")));
        var refusal = (await node.WriteAsync(Put(User("a"), "2", expected: 0))).ShouldBeOfType<WriteResult.Refused>().Refusal;
        refusal.Current.ShouldNotBeNull().Sequence.ShouldBe(new Sequence(1));
        var batch = (await node.WriteAtomicAsync([Put(User("b")), Put(User("a"), "2", expected: 5)])).ShouldBeOfType<AtomicResult.Refused>();
        batch.Line.ShouldBe(1);
        batch.Refusal.Current.ShouldNotBeNull().Value.ToArray().ShouldBe(Value("1"));
    }

    [Fact]
    public async Task The_writes_of_a_request_share_a_commit_and_each_has_its_own_outcome()
    {
        var node = await StartAsync("one");
        Committed(await node.WriteAsync(Put(User("a"), "1")));
        var feed = await node.Store.FeedOfAsync(User("a").Vault);
        WriteCommand[] writes =
            [Put(User("b"), "1"), Put(User("a"), "2", expected: 0), Put(User("b"), "2"), Put(User("a"), "3", expected: 1)];
        var results = await node.WriteAllAsync(feed, writes, new WriteOrder());
        // As the record stands when the request is answered.
        results[1].ShouldBeOfType<WriteResult.Refused>().Refusal.Current.ShouldNotBeNull().Sequence.ShouldBe(new Sequence(2));
        Receipt[] receipts = [Committed(results[0]), Committed(results[2]), Committed(results[3])];
        receipts.Select(receipt => receipt.Sequence.Value).ShouldBe([1L, 2L, 2L]);
        receipts.Select(receipt => receipt.TransactionTime).Distinct().ShouldHaveSingleItem();

        await node.StopAsync();
        var order = new WriteOrder();
        (await node.WriteAllAsync(feed, writes, order)).Select(result => ((WriteResult.Refused)result).Refusal.Code)
            .ShouldBe(Enumerable.Repeat(RefusalCode.NoOwner, writes.Length));
        order.IsBroken(User("b")).ShouldBeTrue();
        (await node.WriteAllAsync(feed, [], order)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_atomic_batch_has_one_feed()
    {
        var node = await StartAsync("one");
        (await node.WriteAtomicAsync([Put(User("a")), Put(User("b"))])).ShouldBeOfType<AtomicResult.Committed>().Lines.Count.ShouldBe(2);
        var feed = await _ledger.FeedOfAsync("acme");
        var other = "other0";
        for (var number = 1; await _ledger.FeedOfAsync(other) == feed; number++) other = $"other{number}";
        var refused = (await node.WriteAtomicAsync([Put(User("a")), Put(new(other, "user", "b"))])).ShouldBeOfType<AtomicResult.Refused>();
        (refused.Line, refused.Refusal.Code).ShouldBe((1, RefusalCode.InvalidBatch));
        (await node.WriteAtomicAsync([])).ShouldBeOfType<AtomicResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.InvalidBatch);
    }

    [Fact]
    public async Task A_caller_that_stops_waiting_gets_unknown_and_the_write_may_still_commit()
    {
        var entered = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        var store = new ScriptedStore(_ledger)
        {
            OnCommit = async (_, commit) =>
            {
                entered.TrySetResult();
                await gate.Task;
                return await commit();
            },
        };
        var node = await StartAsync("one", store);
        using var cancel = new CancellationTokenSource();
        var write = node.WriteAsync(Put(User("a")), cancel.Token);
        await entered.Task;
        await cancel.CancelAsync();
        (await write).ShouldBeOfType<WriteResult.Unknown>();
        gate.SetResult();
        Committed(await node.WriteAsync(Put(User("a")))).Sequence.ShouldBe(new Sequence(2));
    }

    [Fact]
    public async Task Nodes_that_start_together_share_the_feeds_and_a_stopped_ones_feeds_go_to_the_other()
    {
        var nodes = await Task.WhenAll(Task.Run(() => StartAsync("one")), Task.Run(() => StartAsync("two")));
        await UntilAsync(() => nodes.Sum(node => node.Owned().Count) == 8);
        nodes.ShouldAllBe(node => node.Owned().Count > 0);
        var changes = new System.Collections.Concurrent.ConcurrentQueue<FeedOwnership>();
        nodes[1].OwnershipChanged += (_, change) => changes.Enqueue(change);
        var moved = nodes[0].Owned().Count;
        await nodes[0].StopAsync();
        await UntilAsync(() => nodes[1].Owned().Count == 8);
        changes.Count(change => change.IsOwned).ShouldBe(moved);
        (await nodes[0].WriteAsync(Put(User("a")))).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.NoOwner);
        Committed(await nodes[1].WriteAsync(Put(User("a"))));
    }

    [Fact]
    public async Task A_paused_owner_is_replaced_cannot_commit_when_it_wakes_and_acknowledges_nothing()
    {
        var pause = new TaskCompletionSource();
        var isPaused = false;
        Task HoldAsync() => Volatile.Read(ref isPaused) ? pause.Task : Task.CompletedTask;
        var store = new ScriptedStore(_ledger)
        {
            OnLease = HoldAsync,
            OnCommit = async (_, commit) =>
            {
                await HoldAsync();
                return await commit();
            },
        };
        var paused = await StartAsync("paused", store);
        Committed(await paused.WriteAsync(Put(User("a"), "before")));
        Volatile.Write(ref isPaused, true);
        var late = paused.WriteAsync(Put(User("a"), "late"));
        var waiting = paused.WriteAsync(Put(User("b"), "late"));
        var successor = await StartAsync("successor");
        await UntilAsync(() => successor.Owned().Count == 8);
        Committed(await successor.WriteAsync(Put(User("a"), "after"))).Sequence.ShouldBe(new Sequence(2));
        pause.SetResult();
        Volatile.Write(ref isPaused, false);
        (await late).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.NoOwner);
        (await waiting).ShouldBeOfType<WriteResult.Refused>().Refusal.Code.ShouldBe(RefusalCode.NoOwner);
        (await LedgerChecker.CheckAsync(_ledger)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Failures_and_lost_connections_lose_and_double_nothing()
    {
        var random = new Random(7);
        var counts = new int[4];
        var store = new ScriptedStore(_ledger)
        {
            OnCommit = async (_, commit) =>
            {
                int dice;
                lock (random) dice = random.Next(8);
                await Task.Yield();
                if (dice > 2)
                {
                    Interlocked.Increment(ref counts[3]);
                    return await commit();
                }
                Interlocked.Increment(ref counts[dice]);
                if (dice == 0) return new CommitOutcome.Failed("injected");
                if (dice == 1) await commit();
                return new CommitOutcome.Unknown("injected");
            },
        };
        var node = await StartAsync("one", store);
        await Task.WhenAll(Enumerable.Range(0, 64).Select(producer => Task.Run(async () =>
        {
            for (var turn = 0; turn < 30; turn++)
            {
                var command = Put(new SyncedKey($"vault{producer % 5}", "user", $"k{producer % 9}"), $"{producer}-{turn}", $"{producer}-{turn}");
                var first = Committed(await node.WriteAsync(command));
                if (turn % 10 == 0) Committed(await node.WriteAsync(command)).ShouldBe(first);
            }
        })));
        counts.ShouldAllBe(count => count > 0);
        (await LedgerChecker.CheckAsync(_ledger)).ShouldBeEmpty();
        (await _ledger.StatusAsync()).Sum(feed => feed.Position.Value).ShouldBe(64 * 30);
    }

    [Fact]
    public async Task What_the_bus_lost_with_its_connection_is_published_again()
    {
        var node = await StartAsync("one");
        var feed = await _ledger.FeedOfAsync("acme");
        for (var number = 0; number < 50; number++)
        {
            Committed(await node.WriteAsync(Put(User($"k{number}"))));
            if (number % 10 != 5) continue;
            _transport.Cut();
            Committed(await node.WriteAsync(Put(User("while down"))));
            _transport.Heal();
        }
        await UntilAsync(() => _transport.Positions(feed).Count == 55);
        await _transport.WhenAsync(() => _transport.Seen(feed)[^1] is Beat { Position.Value: 55 });
        await node.StopAsync();
        (await _ledger.StatusAsync())[feed.Value].Published.ShouldBe(new Position(55));
    }

    [Fact]
    public async Task A_stop_answers_every_write_and_commits_what_it_admitted()
    {
        var node = await StartAsync("one");
        var writes = Enumerable.Range(0, 500)
            .Select(number => node.WriteAsync(Put(User($"k{number}"))).AsTask()).ToList();
        await node.StopAsync();
        var results = await Task.WhenAll(writes);
        var committed = results.Count(result => result is WriteResult.Committed);
        results.ShouldAllBe(result => result is WriteResult.Committed || result is WriteResult.Refused);
        (await _ledger.StatusAsync()).Sum(feed => feed.Position.Value).ShouldBe(committed);
        (await node.WriteAsync(Put(User("late")))).ShouldBeOfType<WriteResult.Refused>();
    }

    [Fact]
    public async Task A_full_memory_ledger_refuses_at_the_deadline_and_still_reads()
    {
        var full = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions { BytesMax = 2000 });
        var node = await StartAsync("one", full, Options("one") with { WriteTimeout = TimeSpan.FromMilliseconds(300) });
        Committed(await node.WriteAsync(Put(User("a"))));
        (await node.WriteAsync(Put(User("b"), new string('x', 2000)))).ShouldBeOfType<WriteResult.Refused>().Refusal.Code
            .ShouldBe(RefusalCode.LedgerUnavailable);
        (await node.Store.GetAsync(User("a"), AsOf.Now)).ShouldNotBeNull();
        Committed(await node.WriteAsync(Put(User("c"))));
    }

    [Fact]
    public async Task A_store_that_never_tells_an_outcome_is_not_asked_again_without_a_pause()
    {
        var commits = 0;
        var store = new ScriptedStore(_ledger)
        {
            OnCommit = (_, _) =>
            {
                Interlocked.Increment(ref commits);
                throw new SyncException(SyncErrorCode.Corrupt, "injected");
            },
        };
        var options = Options("one") with { WriteTimeout = TimeSpan.FromMilliseconds(300), RetryDelay = TimeSpan.FromSeconds(10) };
        var node = await StartAsync("one", store, options);
        (await node.WriteAsync(Put(User("a")))).ShouldNotBeOfType<WriteResult.Committed>();
        commits.ShouldBeInRange(1, 2);
    }

    [Fact]
    public async Task An_owner_that_cannot_renew_its_lease_refuses_nothing_for_good()
    {
        var time = new ManualTimeProvider();
        var ledger = new MemoryLedgerStore(time, new MemoryLedgerOptions { Feeds = 1 });
        var store = new ScriptedStore(ledger);
        await using var node = new LedgerNode(
            store, _transport, Options("one") with { DrainTimeout = TimeSpan.Zero }, time, new UuidV7Source());
        await node.StartAsync();
        Committed(await node.WriteAsync(Put(User("a"))));
        RefusalCode Code(WriteResult result) => result.ShouldBeOfType<WriteResult.Refused>().Refusal.Code;
        Code(await node.WriteAsync(Put(User("a"), expected: 5))).ShouldBe(RefusalCode.ExpectedSequenceDiffers);
        store.OnLease = () => throw new SyncException(SyncErrorCode.LedgerUnavailable, "It is away.", true);
        time.Advance(TimeSpan.FromSeconds(1));
        (await ledger.AcquireAsync(new FeedId(0), "other", TimeSpan.FromMinutes(1))).ShouldNotBeNull();
        Code(await node.WriteAsync(Put(User("a"), expected: 5))).ShouldBe(RefusalCode.NoOwner);
    }

    private async Task<LedgerNode> StartAsync(string owner, ILedgerStore? store = null, LedgerOptions? options = null)
    {
        var node = new LedgerNode(
            store ?? _ledger, _transport, options ?? Options(owner), TimeProvider.System, new UuidV7Source());
        lock (_nodes) _nodes.Add(node);
        await node.StartAsync();
        return node;
    }

    private static LedgerOptions Options(string owner) => new()
    {
        Owner = owner,
        LeaseTtl = TimeSpan.FromMilliseconds(800),
        LeaseRenewEvery = TimeSpan.FromMilliseconds(200),
        AcquireEvery = TimeSpan.FromMilliseconds(50),
        AcquireStagger = TimeSpan.FromMilliseconds(5),
        WriteTimeout = TimeSpan.FromSeconds(30),
        RetryDelay = TimeSpan.FromMilliseconds(5),
    };

    private static Receipt Committed(WriteResult result) => result.ShouldBeOfType<WriteResult.Committed>().Receipt;

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            bound.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}

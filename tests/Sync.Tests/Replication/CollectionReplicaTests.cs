using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Testing.Replication;
using Sync.Transport;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Replication;

/// <summary>The shell of collection replicas on a real node, a memory store and the in-process transport.</summary>
public sealed class CollectionReplicaTests : IAsyncLifetime
{
    private const string Group = "shops";
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);
    private readonly MemoryLedgerStore _store = new(TimeProvider.System, new MemoryLedgerOptions { Feeds = 4 });
    private readonly InProcessTransport _transport = new();
    private readonly StoreSource _source;
    private LedgerNode _node = null!;
    private ReplicaHub _hub = null!;

    public CollectionReplicaTests() => _source = new StoreSource(_store, bytesMax: 200);

    public async ValueTask InitializeAsync()
    {
        _node = new LedgerNode(_store, _transport, new LedgerOptions { Owner = "one" }, TimeProvider.System, new UuidV7Source());
        await _node.StartAsync();
        _hub = await ReplicaHub.StartAsync(_transport, _source, pages: _source);
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _node.DisposeAsync();
        await _transport.DisposeAsync();
    }

    [Xunit.Fact]
    public async Task A_group_is_loaded_page_by_page_and_then_follows()
    {
        for (var index = 0; index < 200; index++) await PutAsync(Key(index), $"v{index}");
        await using var replica = await OpenAsync(SyncedPattern.OfGroup(Group, "order"));
        await replica.WhenLoadedAsync().WaitAsync(Most);
        replica.Count.ShouldBe(200);

        var receipt = await PutAsync(new SyncedKey($"{Group}--new", "order", "first"), "new");
        await DeleteAsync(Key(3));
        await replica.WaitForAsync(receipt.At, Most);
        await UntilAsync(() => replica.Count == 200);
        replica.TryGetValue(new SyncedKey($"{Group}--new", "order", "first"), out _).ShouldBeTrue();
        replica.TryGetValue(Key(3), out _).ShouldBeFalse();
        await EqualAsync(replica);
    }

    [Xunit.Fact]
    public async Task Writes_under_way_while_it_loads_are_neither_lost_nor_brought_back()
    {
        for (var index = 0; index < 300; index++) await PutAsync(Key(index), "old");
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var turn = 0; !stop.IsCancellationRequested; turn++)
            {
                if (turn % 3 == 0) await _node.WriteAsync(Delete(Key(turn % 300)));
                else await PutAsync(Key(turn * 7 % 300), $"new {turn}");
            }
        });
        var replicas = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenAsync(SyncedPattern.OfGroup(Group))));
        foreach (var replica in replicas) await replica.WhenLoadedAsync().WaitAsync(Most);
        await stop.CancelAsync();
        await writing;
        foreach (var replica in replicas)
        {
            await EqualAsync(replica);
            await replica.DisposeAsync();
        }
        _hub.CollectionCount.ShouldBe(0);
        _transport.KeyCount.ShouldBe(0);
    }

    [Xunit.Fact]
    public async Task A_writer_that_does_not_answer_is_asked_again()
    {
        for (var index = 0; index < 50; index++) await PutAsync(Key(index), "v");
        _source.FailNext(8);
        await using var replica = await _hub.OpenCollectionAsync(Options(SyncedPattern.OfGroup(Group)) with
        {
            Rules = new() { BackoffMin = TimeSpan.FromMilliseconds(1), BackoffMax = TimeSpan.FromMilliseconds(10) },
        });
        await replica.WhenLoadedAsync().WaitAsync(Most);
        replica.Counters.Failures.ShouldBe(8);
        replica.Count.ShouldBe(50);
    }

    [Xunit.Fact]
    public async Task What_changes_is_told_in_order_and_a_cell_follows_its_key()
    {
        await using var replica = await OpenAsync(SyncedPattern.OfCollection($"{Group}--0", "order"));
        await replica.WhenLoadedAsync().WaitAsync(Most);
        var cell = replica.Cell(Key(0));
        cell.Peek().Length.ShouldBe(0);
        using var most = new CancellationTokenSource(Most);
        await using var changes = replica.WatchAsync(most.Token).GetAsyncEnumerator(most.Token);
        var next = changes.MoveNextAsync(); // its cursor is taken now
        var observed = new Collected();
        using var subscription = replica.Changes.Subscribe(observed);
        await PutAsync(Key(0), "a");
        await PutAsync(Key(0), "b");
        var third = await DeleteAsync(Key(0));
        await replica.WaitForAsync(third.At, Most);
        var told = new List<(CollectionChangeKind, long)>();
        while (await next)
        {
            told.Add((changes.Current.Kind, changes.Current.Sequence.Value));
            if (told.Count == 3) break;
            next = changes.MoveNextAsync();
        }
        told.ShouldBe([(CollectionChangeKind.Put, 1), (CollectionChangeKind.Put, 2), (CollectionChangeKind.Removed, 3)]);
        await UntilAsync(() => observed.Last == third.Sequence.Value);
        cell.Peek().Length.ShouldBe(0);
        await PutAsync(Key(0), "c");
        await UntilAsync(() => cell.Peek().Span.SequenceEqual(Value("c")));
    }

    [Xunit.Fact]
    public async Task A_reader_that_falls_behind_is_told_to_begin_again()
    {
        await using var replica = await _hub.OpenCollectionAsync(Options(SyncedPattern.OfVault($"{Group}--0")) with { ChangesKept = 16 });
        await replica.WhenLoadedAsync().WaitAsync(Most);
        var cursor = replica.ChangesHead;
        for (var index = 0; index < 40; index++) await PutAsync(new SyncedKey($"{Group}--0", "order", $"k{index}"), "v");
        await UntilAsync(() => replica.Count == 40);
        var notes = new CollectionNote[100];
        replica.ReadChanges(ref cursor, notes).ShouldBe(-1);
        cursor = replica.ChangesHead - 16;
        replica.ReadChanges(ref cursor, notes).ShouldBe(16);
        replica.ReadChanges(ref cursor, notes).ShouldBe(0);
        (await replica.WhenChangedAsync(cursor - 1)).ShouldBeTrue();
        var waiting = replica.WhenChangedAsync(cursor);
        await replica.DisposeAsync();
        (await waiting.WaitAsync(Most)).ShouldBeFalse();
    }

    [Xunit.Fact]
    public async Task A_position_of_elsewhere_is_an_error()
    {
        var here = await PutAsync(Key(0), "v");
        await using var replica = await OpenAsync(SyncedPattern.OfCollection(Key(0).Vault, "order"));
        await replica.WhenLoadedAsync().WaitAsync(Most);
        await replica.WaitForAsync(here.At, Most);
        var other = new FeedId((here.Feed.Value + 1) % 4);
        (await Should.ThrowAsync<SyncException>(replica.WaitForAsync(here.At with { Feed = other }, Most)))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(replica.WaitForAsync(here.At with { History = new(5) }, Most)))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        var never = replica.WaitForAsync(here.At with { Position = new(1_000_000) }, TimeSpan.FromMilliseconds(200));
        (await Should.ThrowAsync<SyncException>(never)).IsTransient.ShouldBeTrue();
    }

    [Xunit.Fact]
    public async Task A_hub_without_pages_opens_no_collection()
    {
        await using var hub = await ReplicaHub.StartAsync(_transport, _source);
        (await Should.ThrowAsync<SyncException>(hub.OpenCollectionAsync(Options(SyncedPattern.OfGroup(Group)))))
            .Code.ShouldBe(SyncErrorCode.Invalid);
        (await Should.ThrowAsync<SyncException>(_hub.OpenCollectionAsync(Options(new SyncedPattern(null, null, "order")))))
            .Message.ShouldContain("neither a vault nor a group");
    }

    private static SyncedKey Key(int index) => new($"{Group}--{index % 7}", "order", $"k{index}");

    private static CollectionReplicaOptions<ReadOnlyMemory<byte>> Options(SyncedPattern scope) =>
        new() { Scope = scope, Schema = SyncSchema.Raw };

    private Task<CollectionReplica<ReadOnlyMemory<byte>>> OpenAsync(SyncedPattern scope) =>
        _hub.OpenCollectionAsync(Options(scope));

    private async Task<Receipt> PutAsync(SyncedKey key, string value) =>
        (await _node.WriteAsync(Put(key, value))).ShouldBeOfType<WriteResult.Committed>().Receipt;

    private async Task<Receipt> DeleteAsync(SyncedKey key) =>
        (await _node.WriteAsync(Delete(key))).ShouldBeOfType<WriteResult.Committed>().Receipt;

    private async Task EqualAsync(CollectionReplica<ReadOnlyMemory<byte>> replica)
    {
        var vaults = await _store.VaultsAsync(Group, new VaultsRequest(null, "order", 1000));
        vaults.Vaults.ShouldNotBeEmpty();
        foreach (var vault in vaults.Vaults)
        {
            var wanted = await _store.DigestAsync(vault.Vault, "order");
            await UntilAsync(() => replica.Digest(vault.Vault, "order") == wanted);
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var most = new CancellationTokenSource(Most);
        while (!condition()) await tick.WaitForNextTickAsync(most.Token);
    }

    private sealed class Collected : IObserver<CollectionChange<ReadOnlyMemory<byte>>>
    {
        private long _last;

        public long Last => Interlocked.Read(ref _last);

        public void OnNext(CollectionChange<ReadOnlyMemory<byte>> value) => Interlocked.Exchange(ref _last, value.Sequence.Value);

        public void OnCompleted() { }

        public void OnError(Exception error) { }
    }
}

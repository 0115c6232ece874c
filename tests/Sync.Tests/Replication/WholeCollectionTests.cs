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

/// <summary>Many key replicas of one collection share one subscription of it, and nothing is lost when that begins or
/// ends.</summary>
public sealed class WholeCollectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);
    private readonly MemoryLedgerStore _store = new(TimeProvider.System, new MemoryLedgerOptions { Feeds = 2 });
    private readonly InProcessTransport _transport = new();
    private readonly List<Replica<ReadOnlyMemory<byte>>> _replicas = [];
    private LedgerNode _node = null!;
    private ReplicaHub _hub = null!;

    public async ValueTask InitializeAsync()
    {
        _node = new LedgerNode(
            _store, _transport, new LedgerOptions { Owner = "one" }, TimeProvider.System, new UuidV7Source());
        await _node.StartAsync();
        _hub = await ReplicaHub.StartAsync(
            _transport, new StoreSource(_store), new ReplicaHubOptions { WholeCollectionAbove = 20 });
    }

    public async ValueTask DisposeAsync()
    {
        await _hub.DisposeAsync();
        await _node.DisposeAsync();
        await _transport.DisposeAsync();
    }

    [Xunit.Fact]
    public async Task Few_keys_have_a_subscription_each_and_many_have_one()
    {
        await OpenAsync(0, 20);
        _transport.KeyCount.ShouldBe(20);
        await OpenAsync(20, 21);
        await UntilAsync(() => _transport.KeyCount == 1);
        await OpenAsync(21, 40);
        _transport.KeyCount.ShouldBe(1);
        await PutAllAsync("one", 40);

        await CloseAsync(40 - 11); // 11 are left: still more than half
        _transport.KeyCount.ShouldBe(1);
        await CloseAsync(1);
        await UntilAsync(() => _transport.KeyCount == 10);
        await PutAllAsync("two", 40);
        await CloseAsync(10);
        await UntilAsync(() => _transport.KeyCount == 0);
    }

    [Xunit.Fact]
    public async Task Nothing_is_lost_and_no_value_comes_twice_while_it_switches_to_and_fro()
    {
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var turn = 0; !stop.IsCancellationRequested; turn++)
                (await _node.WriteAsync(Put(User($"k{turn % 30}"), $"{turn}"))).ShouldBeOfType<WriteResult.Committed>();
        });
        var last = new long[30];
        var doubled = 0;
        for (var turn = 0; turn < 6; turn++)
        {
            await OpenAsync(_replicas.Count, 30);
            using var watched = new Watching(_replicas[turn], sequence =>
            {
                if (sequence <= Interlocked.Exchange(ref last[turn], sequence)) Interlocked.Increment(ref doubled);
            });
            await UntilAsync(() => _transport.KeyCount == 1);
            await CloseAsync(22);
            await UntilAsync(() => _transport.KeyCount == 8);
        }
        await stop.CancelAsync();
        await writing;
        doubled.ShouldBe(0);
        foreach (var replica in _replicas)
        {
            var head = (await _store.GetAsync(replica.Key, AsOf.Now)).ShouldNotBeNull();
            await UntilAsync(() => replica.Sequence == head.Sequence);
        }
    }

    private async Task OpenAsync(int from, int to)
    {
        for (var index = from; index < to; index++)
            _replicas.Add(await _hub.OpenAsync(
                new ReplicaOptions<ReadOnlyMemory<byte>> { Key = User($"k{index}"), Schema = SyncSchema.Raw }));
    }

    private async Task CloseAsync(int count)
    {
        for (; count > 0; count--)
        {
            await _replicas[^1].DisposeAsync();
            _replicas.RemoveAt(_replicas.Count - 1);
        }
    }

    private async Task PutAllAsync(string value, int count)
    {
        for (var index = 0; index < count; index++) await _node.WriteAsync(Put(User($"k{index}"), value));
        foreach (var replica in _replicas) await UntilAsync(() => replica.Value.Span.SequenceEqual(Value(value)));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var most = new CancellationTokenSource(Most);
        while (!condition()) await tick.WaitForNextTickAsync(most.Token);
    }

    private sealed class Watching : IObserver<ReplicaChange<ReadOnlyMemory<byte>>>, IDisposable
    {
        private readonly Action<long> _applied;
        private readonly IDisposable _subscription;

        public Watching(Replica<ReadOnlyMemory<byte>> replica, Action<long> applied)
        {
            _applied = applied;
            _subscription = replica.Changes.Subscribe(this);
        }

        public void OnNext(ReplicaChange<ReadOnlyMemory<byte>> value)
        {
            if (value.Kind == ReplicaChangeKind.Applied) _applied(value.Metadata.Sequence.Value);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose() => _subscription.Dispose();
    }
}

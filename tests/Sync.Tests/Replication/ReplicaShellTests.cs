using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Sync.Testing;
using Sync.Testing.Replication;
using Sync.Transport;
using Xunit;

namespace Sync.Tests.Replication;

public sealed class ReplicaShellTests : IAsyncLifetime
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

    private Task<Replica<string>> OpenAsync() => _hub.OpenAsync(new ReplicaOptions<string> { Key = Key, Schema = _schema });

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

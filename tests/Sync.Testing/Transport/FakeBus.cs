using Sync.Contracts;
using Sync.Transport;

namespace Sync.Testing.Transport;

/// <summary>A bus that a test holds in its hand: confirmations wait or fail, the connection is lost and comes back, publishes
/// and flushes are refused. Messages go through the in-process bus.</summary>
public sealed class FakeBus : IBus
{
    private readonly InProcessBus _inner = new();
    private readonly Lock _gate = new();
    private readonly List<IBusReceiver> _receivers = [];
    private int _subscribes;

    /// <summary>Awaited before a subscription is confirmed; null = at once.</summary>
    public Func<string, CancellationToken, Task>? Confirming { get; set; }

    /// <summary>Thrown by publish and flush while set.</summary>
    public SyncException? Failure { get; set; }

    public bool IsConnected => Failure is null;

    public long ConnectionEpoch { get; private set; } = 1;

    public int MaxPayload => _inner.MaxPayload;

    public int SubscriptionCount => _inner.SubscriptionCount;

    /// <summary>Subscribe calls so far.</summary>
    public int Subscribes => Volatile.Read(ref _subscribes);

    /// <summary>The connection was lost and is back.</summary>
    public void Reconnect()
    {
        IBusReceiver[] receivers;
        lock (_gate)
        {
            ConnectionEpoch++;
            receivers = [.. _receivers];
        }
        foreach (var receiver in receivers) receiver.Disrupted(Disruption.Reconnected);
    }

    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers = null, CancellationToken cancellation = default) =>
        Failure is null ? _inner.PublishAsync(subject, payload, headers, cancellation) : throw Failure;

    public ValueTask FlushAsync(CancellationToken cancellation = default) =>
        Failure is null ? _inner.FlushAsync(cancellation) : throw Failure;

    public async ValueTask<IAsyncDisposable> SubscribeAsync(
        string subject, IBusReceiver receiver, string? queueGroup = null, CancellationToken cancellation = default)
    {
        Interlocked.Increment(ref _subscribes);
        if (Confirming is not null) await Confirming(subject, cancellation);
        var inner = await _inner.SubscribeAsync(subject, receiver, queueGroup, cancellation);
        lock (_gate) _receivers.Add(receiver);
        return new Subscription(this, receiver, inner);
    }

    public ValueTask<BusReply> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers, TimeSpan timeout, CancellationToken cancellation = default) =>
        Failure is null ? _inner.RequestAsync(subject, payload, headers, timeout, cancellation) : throw Failure;

    public ValueTask<IAsyncDisposable> ServeAsync(
        string subject, string queueGroup, BusHandler handler, ServeOptions options, CancellationToken cancellation = default) =>
        _inner.ServeAsync(subject, queueGroup, handler, options, cancellation);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private sealed class Subscription(FakeBus bus, IBusReceiver receiver, IAsyncDisposable inner) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            lock (bus._gate) bus._receivers.Remove(receiver);
            return inner.DisposeAsync();
        }
    }
}

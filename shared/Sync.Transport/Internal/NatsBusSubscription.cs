using System.Numerics;
using Microsoft.Extensions.Logging;
using Sync.Contracts;
using Sync.Nats;

namespace Sync.Transport.Internal;

/// <summary>One subscription at the broker. It is told of every connection after the one that confirmed it, once each.
/// Safety: <c>_epoch</c> is the lock's; 0 until confirmed, and then only rising, so a reconnect that comes between the
/// confirmation and its noting is not missed (the noting compares) and none is told twice.</summary>
internal sealed class NatsBusSubscription(
    IBusReceiver receiver, ILogger logger, Action<NatsBusSubscription> gone) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private NatsSubscription? _subscription;
    private long _epoch;
    private long _errors;
    private volatile bool _ended;

    public void Begin(NatsConnection connection, string subject, string? queueGroup) =>
        _subscription = connection.Subscribe(subject, Receive, queueGroup);

    public async ValueTask ConfirmAsync(NatsConnection connection, CancellationToken cancellation)
    {
        var confirmed = await _subscription!.ConfirmAsync(cancellation).ConfigureAwait(false);
        lock (_gate) _epoch = confirmed;
        Reconnected(connection.Epoch);
    }

    public void Reconnected(long epoch)
    {
        lock (_gate)
        {
            if (_epoch == 0 || epoch <= _epoch) return;
            _epoch = epoch;
        }
        if (_ended) return;
        try
        {
            receiver.Disrupted(Disruption.Reconnected);
        }
        catch (Exception exception)
        {
            Failed(exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _ended = true;
        gone(this);
        if (_subscription is not null) await _subscription.DisposeAsync().ConfigureAwait(false);
    }

    private void Receive(in NatsMessageView message)
    {
        if (_ended) return;
        var headers = message.HeaderBytes.IsEmpty ? null : NatsMapping.ToBus(message.Headers.ToHeaders());
        try
        {
            receiver.Receive(new BusMessage(message.SubjectBytes, message.ReplyToBytes, message.Payload, headers));
        }
        catch (Exception exception)
        {
            Failed(exception);
        }
    }

    private void Failed(Exception exception)
    {
        TransportMetrics.HandlerErrors.Add(1);
        if (BitOperations.IsPow2(Interlocked.Increment(ref _errors))) logger.ReceiverThrew(_subscription!.Subject, exception);
    }
}

using Sync.Contracts;
using Sync.Transport;

namespace Sync.Integration.Tests.Way;

/// <summary>A real bus that loses what a test names.</summary>
internal sealed class LossyBus(IBus inner, Func<string, ReadOnlyMemory<byte>, bool> loses) : IBus
{
    public bool IsConnected => inner.IsConnected;

    public long ConnectionEpoch => inner.ConnectionEpoch;

    public int MaxPayload => inner.MaxPayload;

    public ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers = null, CancellationToken cancellation = default) =>
        inner.PublishAsync(subject, payload, headers, cancellation);

    public ValueTask FlushAsync(CancellationToken cancellation = default) => inner.FlushAsync(cancellation);

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        string subject, IBusReceiver receiver, string? queueGroup = null, CancellationToken cancellation = default) =>
        inner.SubscribeAsync(subject, new Receiver(receiver, loses), queueGroup, cancellation);

    public ValueTask<BusReply> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers, TimeSpan timeout, CancellationToken cancellation = default) =>
        inner.RequestAsync(subject, payload, headers, timeout, cancellation);

    public ValueTask<IAsyncDisposable> ServeAsync(
        string subject, string queueGroup, BusHandler handler, ServeOptions options, CancellationToken cancellation = default) =>
        inner.ServeAsync(subject, queueGroup, handler, options, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Receiver(IBusReceiver inner, Func<string, ReadOnlyMemory<byte>, bool> loses) : IBusReceiver
    {
        public void Receive(in BusMessage message)
        {
            if (!loses(System.Text.Encoding.ASCII.GetString(message.Subject), message.Payload.ToArray())) inner.Receive(message);
        }

        public void Disrupted(Disruption disruption) => inner.Disrupted(disruption);
    }
}

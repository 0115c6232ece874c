namespace Sync.Nats.Internal;

/// <summary>The callback path: the user's code runs on the read loop, on the bytes where they lie.</summary>
internal sealed class HandlerSubscription(
    NatsConnection connection, string subject, string? queueGroup, NatsSubOpts? opts, NatsMessageHandler handler)
    : NatsSubscription(connection, subject, queueGroup, opts)
{
    internal override void Deliver(in NatsMessageView message) => handler(message);
}

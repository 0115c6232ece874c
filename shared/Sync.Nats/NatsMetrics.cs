using System.Diagnostics.Metrics;

namespace Sync.Nats;

/// <summary>The meter "Sync.Nats": sums over all connections of the process.</summary>
internal static class NatsMetrics
{
    private static readonly Meter Meter = new("Sync.Nats");

    public static readonly Counter<long> MessagesIn = Meter.CreateCounter<long>("sync.nats.messages.in", "{message}");
    public static readonly Counter<long> BytesIn = Meter.CreateCounter<long>("sync.nats.bytes.in", "By");
    public static readonly Counter<long> MessagesOut = Meter.CreateCounter<long>("sync.nats.messages.out", "{message}");
    public static readonly Counter<long> BytesOut = Meter.CreateCounter<long>("sync.nats.bytes.out", "By");
    public static readonly Counter<long> LostInFlight = Meter.CreateCounter<long>("sync.nats.publishes.lost_in_flight", "{message}");
    public static readonly Counter<long> Discarded = Meter.CreateCounter<long>("sync.nats.publishes.discarded", "{message}");
    public static readonly Counter<long> Reconnects = Meter.CreateCounter<long>("sync.nats.reconnects", "{connection}");
    public static readonly Counter<long> Overflowed = Meter.CreateCounter<long>("sync.nats.messages.overflowed", "{message}");
    public static readonly Counter<long> SlowConsumers = Meter.CreateCounter<long>("sync.nats.slow_consumers", "{episode}");
    public static readonly Counter<long> PermissionErrors = Meter.CreateCounter<long>("sync.nats.errors.permission", "{error}");
    public static readonly Counter<long> ServerErrors = Meter.CreateCounter<long>("sync.nats.errors.server", "{error}");
    public static readonly Counter<long> CallbackErrors = Meter.CreateCounter<long>("sync.nats.errors.callback", "{error}");
}

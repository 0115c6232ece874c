using System.Diagnostics.Metrics;

namespace Sync.Nats;

/// <summary>The meter "Sync.Nats": sums over all connections of the process.</summary>
internal static class NatsMetrics
{
    private static readonly Meter Meter = new("Sync.Nats");

    public static readonly Counter<long> MessagesIn = Count("sync.nats.messages.in", "{message}");
    public static readonly Counter<long> BytesIn = Count("sync.nats.bytes.in", "By");
    public static readonly Counter<long> MessagesOut = Count("sync.nats.messages.out", "{message}");
    public static readonly Counter<long> BytesOut = Count("sync.nats.bytes.out", "By");
    public static readonly Counter<long> LostInFlight = Count("sync.nats.publishes.lost_in_flight", "{message}");
    public static readonly Counter<long> Discarded = Count("sync.nats.publishes.discarded", "{message}");
    public static readonly Counter<long> Reconnects = Count("sync.nats.reconnects", "{connection}");
    public static readonly Counter<long> Overflowed = Count("sync.nats.messages.overflowed", "{message}");
    public static readonly Counter<long> SlowConsumers = Count("sync.nats.slow_consumers", "{episode}");
    public static readonly Counter<long> PermissionErrors = Count("sync.nats.errors.permission", "{error}");
    public static readonly Counter<long> ServerErrors = Count("sync.nats.errors.server", "{error}");
    public static readonly Counter<long> CallbackErrors = Count("sync.nats.errors.callback", "{error}");

    private static Counter<long> Count(string name, string unit) => Meter.CreateCounter<long>(name, unit);
}

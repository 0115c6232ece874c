using System.Diagnostics.Metrics;

namespace Sync.Transport;

/// <summary>All figures of meter <c>Sync.Transport</c>, named once. One set per process: instruments are shared by all
/// transports and buses in it.</summary>
internal static class TransportMetrics
{
    private static readonly Meter Meter = new("Sync.Transport");

    public static readonly Counter<long> Published =
        Meter.CreateCounter<long>("sync.transport.published", "{message}", "Envelopes and beats handed to the bus.");

    public static readonly Counter<long> Delivered =
        Meter.CreateCounter<long>("sync.transport.delivered", "{delivery}", "Calls of handlers with an envelope or beat.");

    public static readonly Counter<long> DecodeErrors =
        Meter.CreateCounter<long>("sync.transport.decode_errors", "{message}", "Messages whose bytes could not be read.");

    public static readonly Counter<long> Overflowed =
        Meter.CreateCounter<long>("sync.transport.overflow", "{message}", "Messages dropped by full mailboxes.");

    public static readonly Counter<long> HandlerErrors =
        Meter.CreateCounter<long>("sync.transport.handler_errors", "{error}", "Exceptions thrown by handlers and receivers.");

    public static readonly UpDownCounter<long> Keys =
        Meter.CreateUpDownCounter<long>("sync.transport.keys", "{key}", "Keys and patterns with a subscriber.");

    public static readonly UpDownCounter<long> BusSubscriptions =
        Meter.CreateUpDownCounter<long>("sync.transport.bus_subscriptions", "{subscription}", "Subscriptions held at the bus.");

    public static readonly Counter<long> Requests =
        Meter.CreateCounter<long>("sync.transport.requests_served", "{request}", "Requests answered.");

    public static readonly Counter<long> RequestsOverloaded =
        Meter.CreateCounter<long>("sync.transport.requests_overloaded", "{request}", "Requests refused by a full queue.");

    public static readonly Counter<long> RepliesRefused =
        Meter.CreateCounter<long>("sync.transport.replies_refused", "{request}", "Requests with a reply subject outside the prefix.");

    public static readonly Counter<long> RepliesLost =
        Meter.CreateCounter<long>("sync.transport.replies_lost", "{reply}", "Answers that the bus did not take.");
}

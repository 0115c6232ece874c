using Sync.Contracts;
using Sync.Hosting;
using Sync.Transport;

namespace Sync.Writer.Engine;

/// <summary>How to reach the bus: section <c>Sync:Nats</c>.</summary>
internal sealed record BusLinkOptions
{
    /// <summary>One or more <c>nats://host:port</c>, separated by commas; <c>inprocess</c> keeps everything in this process.</summary>
    public string Url { get; init; } = "nats://127.0.0.1:4222";

    public string? Username { get; init; }

    public string? Password { get; init; }

    public bool IsInProcess => string.Equals(Url, "inprocess", StringComparison.OrdinalIgnoreCase);

    public static void Check(BusLinkOptions options, SettingChecks checks) =>
        checks.Required(nameof(Url), options.Url, "an address like nats://127.0.0.1:4222, or inprocess");
}

/// <summary>The bus for requests and the transport for envelopes, each on a connection of its own.</summary>
internal sealed class BusLink(IBus bus, ITransport transport, params IAsyncDisposable[] owned) : IAsyncDisposable
{
    public IBus Bus => bus;

    public ITransport Transport => transport;

    public static BusLink Open(BusLinkOptions options, WriterParts parts, TimeProvider time, ILoggerFactory loggers)
    {
        if (parts.Bus is not null && parts.Transport is not null) return new BusLink(parts.Bus, parts.Transport);
        if (parts.Bus is not null || parts.Transport is not null)
            throw new SyncException(SyncErrorCode.Invalid, "Give both bus and transport, or neither.");
        var bus = new InProcessBus(new InProcessBusOptions(), time, loggers.CreateLogger<InProcessBus>());
        var transport = new InProcessTransport(new TransportOptions(), loggers.CreateLogger<InProcessTransport>());
        return new BusLink(bus, transport, transport, bus);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in owned) await one.DisposeAsync();
    }
}

using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;

namespace Sync.Writer.Engine;

/// <summary>The bus for requests and the transport for envelopes, each on a connection of its own: answers never wait
/// behind a backlog of publishing, and what a flush confirms is the publisher's alone.</summary>
internal sealed class BusLink(IBus bus, ITransport transport, params IAsyncDisposable[] owned) : IAsyncDisposable
{
    /// <summary>As <c>Sync:Nats:Url</c>: everything stays in this process.</summary>
    public const string InProcess = "inprocess";

    public IBus Bus => bus;

    public ITransport Transport => transport;

    public static bool IsInProcess(BusOptions options) =>
        string.Equals(options.Url, InProcess, StringComparison.OrdinalIgnoreCase);

    /// <summary>Returns also while no broker answers; the connections are then made later, by themselves.</summary>
    /// <exception cref="SyncException">An option is wrong, or the broker lets nobody in with it.</exception>
    public static async Task<BusLink> OpenAsync(
        BusOptions options, WriterParts parts, TimeProvider time, ILoggerFactory loggers,
            CancellationToken cancellation)
    {
        if (parts.Bus is not null && parts.Transport is not null) return new BusLink(parts.Bus, parts.Transport);
        if (parts.Bus is not null || parts.Transport is not null)
            throw new SyncException(SyncErrorCode.Invalid,
                "An embedded writer gets both bus and transport, or neither.");
        if (IsInProcess(options))
        {
            var near = new InProcessBus(null, time, loggers.CreateLogger<InProcessBus>());
            var local = new InProcessTransport(null, loggers.CreateLogger<InProcessTransport>());
            return new BusLink(near, local, local, near);
        }
        var requests = await SyncBus.ConnectAsync(options, loggers, time, cancellation);
        var publishes = await SyncBus.ConnectAsync(options with { Name = options.Name + "-publisher" }, loggers, time,
            cancellation);
        var transport = new NatsTransport(
            publishes, EnvelopeCodec.Default, null, null, time, loggers.CreateLogger<NatsTransport>());
        return new BusLink(requests, transport, transport, publishes, requests);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in owned) await one.DisposeAsync();
    }
}

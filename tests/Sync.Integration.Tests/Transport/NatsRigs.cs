using Sync.MessagePack;
using Sync.Nats;
using Sync.Testing.Nats;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Transport;

/// <summary>One nats-server for all suites that only need a healthy one; each test uses connections of its own.</summary>
public sealed class NatsServerFixture : IAsyncLifetime
{
    public NatsServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await NatsServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

internal static class NatsRigs
{
    public static async ValueTask<TransportRig> TransportAsync(string url, TransportOptions options)
    {
        var bus = (NatsBus)await SyncBus.ConnectAsync(new BusOptions { Url = url, PendingBytesMax = 64 * 1024 * 1024 });
        return new TransportRig(new NatsTransport(bus, EnvelopeCodec.Default, options), () => bus.SubscriptionCount, bus.DisposeAsync);
    }

    public static async ValueTask<BusRig> BusAsync(string url)
    {
        var near = await SyncBus.ConnectAsync(new BusOptions { Url = url, Name = "near" });
        var far = await SyncBus.ConnectAsync(new BusOptions { Url = url, Name = "far" });
        var hostile = new NatsConnection(new NatsOpts { Url = url });
        await hostile.ConnectAsync();
        return new BusRig(
            near, far,
            async (subject, replyTo, payload) =>
            {
                await hostile.PublishAsync(subject, payload, replyTo: replyTo);
                await hostile.FlushAsync();
            },
            async () =>
            {
                await hostile.DisposeAsync();
                await far.DisposeAsync();
                await near.DisposeAsync();
            });
    }
}

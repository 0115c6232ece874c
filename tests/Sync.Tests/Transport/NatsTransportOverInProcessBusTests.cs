using Sync.Testing.Transport;
using Sync.Transport;

namespace Sync.Tests.Transport;

public sealed class NatsTransportOverInProcessBusTests : TransportCompliance
{
    protected override ValueTask<TransportRig> StartAsync(TransportOptions options)
    {
        var bus = new InProcessBus();
        var transport = new NatsTransport(bus, new PlainCodec(), options);
        return ValueTask.FromResult(new TransportRig(transport, () => bus.SubscriptionCount, bus.DisposeAsync));
    }
}

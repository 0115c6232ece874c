using Sync.Testing.Faults;
using Sync.Testing.Transport;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Transport;

/// <summary>The bus suite against a real nats-server.</summary>
public sealed class NatsBusTests(NatsServerFixture nats) : BusCompliance, IClassFixture<NatsServerFixture>
{
    protected override ValueTask<BusRig> StartAsync() => NatsRigs.BusAsync(nats.Server.Url);
}

/// <summary>The transport suite against a real nats-server.</summary>
public sealed class NatsTransportTests(NatsServerFixture nats) : TransportCompliance, IClassFixture<NatsServerFixture>
{
    protected override ValueTask<TransportRig> StartAsync(TransportOptions options) =>
        NatsRigs.TransportAsync(nats.Server.Url, options);
}

/// <summary>The transport suite through a network that delivers slices of seven bytes: frames cut anywhere.</summary>
public sealed class NatsTransportOverSlicesTests(NatsServerFixture nats) : TransportCompliance, IClassFixture<NatsServerFixture>
{
    protected override async ValueTask<TransportRig> StartAsync(TransportOptions options)
    {
        var proxy = FaultProxy.Start(nats.Server.Port);
        proxy.ToClient.SliceBytes = 7;
        var rig = await NatsRigs.TransportAsync($"nats://127.0.0.1:{proxy.Port}", options);
        return new TransportRig(rig.Transport, () => rig.BusSubscriptions!.Value, async () =>
        {
            await rig.DisposeAsync();
            await proxy.DisposeAsync();
        });
    }
}

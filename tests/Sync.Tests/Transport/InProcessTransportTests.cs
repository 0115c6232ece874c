using Sync.Testing.Transport;
using Sync.Transport;

namespace Sync.Tests.Transport;

public sealed class InProcessTransportTests : TransportCompliance
{
    protected override ValueTask<TransportRig> StartAsync(TransportOptions options) =>
        ValueTask.FromResult(new TransportRig(new InProcessTransport(options), null, () => ValueTask.CompletedTask));
}

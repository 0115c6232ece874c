using Sync.Contracts;
using Sync.Transport;

namespace Sync.ReplicaHost.Engine;

/// <summary>What a process that embeds a replica host brings along; null = the host makes it from its settings. What is
/// given stays the giver's to dispose.</summary>
public sealed record ReplicaHostParts
{
    /// <summary>Carries requests to the writer.</summary>
    public IBus? Bus { get; init; }

    /// <summary>Carries envelopes and beats; must be of the same system as <see cref="Bus"/>.</summary>
    public ITransport? Transport { get; init; }
}

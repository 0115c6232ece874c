using Sync.Contracts;
using Sync.Ledger;
using Sync.Transport;

namespace Sync.Writer.Engine;

/// <summary>What a process that embeds a writer brings along; null = the writer makes it from its settings. What is
/// given stays the giver's to dispose.</summary>
public sealed record WriterParts
{
    /// <summary>Keeps the ledger.</summary>
    public ILedgerStore? Store { get; init; }

    /// <summary>Carries requests.</summary>
    public IBus? Bus { get; init; }

    /// <summary>Carries envelopes and beats; must reach the subscribers of the same system as <see
    /// cref="Bus"/>.</summary>
    public ITransport? Transport { get; init; }
}

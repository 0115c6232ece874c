using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>What all shells of a node share.</summary>
internal sealed record NodeParts(
    ILedgerStore Store,
    ITransport Transport,
    LedgerOptions Options,
    LedgerClock Clock,
    IIdSource Ids,
    ILogger Logger,
    LedgerMetrics Metrics,
    PlantedFaults Faults,
    Changefeed? Changefeed)
{
    /// <summary>Doubles from <see cref="LedgerOptions.RetryDelay"/> up to 16 times that.</summary>
    public TimeSpan RetryDelay(int failures) => Options.RetryDelay * (1 << Math.Clamp(failures - 1, 0, 4));
}

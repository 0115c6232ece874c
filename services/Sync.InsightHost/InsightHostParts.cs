using Sync.Contracts;
using Sync.Transport;

namespace Sync.InsightHost;

/// <summary>What a process that embeds an Insight host brings along; null = the host makes it from its settings. What
/// is given stays the giver's to dispose.</summary>
public sealed record InsightHostParts
{
    /// <summary>Carries requests for the records of shards.</summary>
    public IBus? Bus { get; init; }

    /// <summary>Where changes come from.</summary>
    public IChangefeed? Changefeed { get; init; }
}

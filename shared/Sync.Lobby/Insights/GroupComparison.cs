using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Compares all shards with their summaries: the first thing after a start, and after a reset. The heads of the
/// feeds come first: what is committed after them is followed, what was before them is in the lists.</summary>
/// <remarks>The core is used under the lock; nothing is awaited under it.</remarks>
internal sealed class GroupComparison(
    GroupScan scan, IReadOnlyList<CrossVaultDerivation> derivations, FollowCore core, Lock gate, PlantedFaults faults)
{
    /// <returns>Where to follow from.</returns>
    /// <exception cref="SyncException">Something could not be read, or the history changed meanwhile.</exception>
    public async Task<IReadOnlyList<FeedPosition>> RunAsync(Action found, CancellationToken cancellation)
    {
        var heads = await scan.HeadsAsync(cancellation).ConfigureAwait(false);
        IReadOnlyList<FeedPosition> start;
        lock (gate) start = core.Begin(heads);
        foreach (var collection in core.Collections)
        {
            var shards = await scan.ShardsAsync(collection, cancellation).ConfigureAwait(false);
            if (shards.Values.FirstOrDefault(last => last.History != heads[0].History) is { History.Value: > 0 })
                throw new SyncException(SyncErrorCode.NoAnswer, "the ledger's history changed while its shards were listed", true);
            foreach (var derivation in derivations.Where(one => one.SourceCollection == collection))
            {
                var summaries = await scan.SummariesAsync(derivation, cancellation).ConfigureAwait(false);
                lock (gate) core.Compare(derivation, shards, summaries);
                found();
            }
        }
        if (faults.HeadsAfterLists)
        {
            heads = await scan.HeadsAsync(cancellation).ConfigureAwait(false);
            lock (gate) start = core.Moved(heads);
        }
        lock (gate) core.Compared();
        return start;
    }
}

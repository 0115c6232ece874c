using System.Runtime.CompilerServices;
using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>The shards of a group, page by page.</summary>
internal sealed class ShardDirectory(string group, ICollectionSource source)
{
    /// <summary>All shards, or those that have a collection, with the last position of what was asked for.</summary>
    /// <exception cref="SyncException">They cannot be listed.</exception>
    public async IAsyncEnumerable<(VaultEntry Shard, HistoryId History)> ListAsync(
        string? collection, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string? after = null;
        while (true)
        {
            var page = await source
                .VaultsAsync(group, new VaultsRequest(after, collection, VaultsRequest.LimitMax), cancellation).ConfigureAwait(false);
            foreach (var vault in page.Vaults) yield return (vault, page.History);
            if (!page.More || page.Vaults.Count == 0) yield break;
            after = page.Vaults[^1].Vault;
        }
    }
}

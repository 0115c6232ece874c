using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Compares all shards of a group with their summaries: what a runner does at its start and after a
/// reset.</summary>
internal sealed class GroupScan(InsightGroup group, IReadOnlyList<CrossVaultDerivation> derivations)
{
    private const int SummariesOfPage = 1000;

    /// <summary>The heads of all feeds.</summary>
    public async Task<IReadOnlyList<FeedPosition>> HeadsAsync(CancellationToken cancellation)
    {
        var scope = SyncedPattern.OfGroup(group.Name, derivations[0].SourceCollection);
        var heads = new List<FeedPosition>();
        for (var feeds = 1; heads.Count < feeds;)
        {
            var request = new SnapshotRequest(new FeedId(heads.Count), null, 1);
            var page = await group.Source.SnapshotAsync(scope, request, cancellation).ConfigureAwait(false);
            feeds = page.Feeds;
            heads.Add(new FeedPosition(page.Feed, page.History, page.Position));
        }
        return heads.All(head => head.History == heads[0].History)
            ? heads
            : throw new SyncException(SyncErrorCode.NoAnswer, "the ledger's history changed while its feeds were asked", true);
    }

    /// <summary>The last change of the group in each feed that has one.</summary>
    public async Task<IReadOnlyList<FeedPosition>> LastAsync(CancellationToken cancellation)
    {
        var last = new Dictionary<FeedId, FeedPosition>();
        await foreach (var (shard, history) in group.Shards.ListAsync(null, cancellation).ConfigureAwait(false))
            if (!last.TryGetValue(shard.Feed, out var known) || known.Position < shard.LastPosition || known.History != history)
                last[shard.Feed] = new FeedPosition(shard.Feed, history, shard.LastPosition);
        return [.. last.Values];
    }

    /// <summary>The group's shards with the last position of a collection in each; of one without it the
    /// start.</summary>
    public async Task<Dictionary<string, FeedPosition>> ShardsAsync(string collection, CancellationToken cancellation)
    {
        var shards = new Dictionary<string, FeedPosition>(StringComparer.Ordinal);
        await foreach (var (shard, history) in group.Shards.ListAsync(null, cancellation).ConfigureAwait(false))
            shards[shard.Vault] = new FeedPosition(shard.Feed, history, Position.Start);
        await foreach (var (shard, history) in group.Shards.ListAsync(collection, cancellation).ConfigureAwait(false))
            shards[shard.Vault] = new FeedPosition(shard.Feed, history, shard.LastPosition);
        return shards;
    }

    /// <summary>The provenance of all summaries of a derivation, by partition key.</summary>
    public async Task<Dictionary<string, Provenance>> SummariesAsync(CrossVaultDerivation derivation, CancellationToken cancellation)
    {
        var summaries = new Dictionary<string, Provenance>(StringComparer.Ordinal);
        var scope = SyncedPattern.OfCollection(derivation.TargetVault, derivation.TargetCollection);
        SyncedKey? after = null;
        while (true)
        {
            var page = await group.Source
                .SnapshotAsync(scope, new SnapshotRequest(null, after, SummariesOfPage), cancellation).ConfigureAwait(false);
            foreach (var envelope in page.Envelopes)
                if (InsightSummary.TryRead(envelope.Value) is { } summary) summaries[envelope.Key.Key] = summary.Provenance;
            if (!page.More) return summaries;
            after = page.Envelopes[^1].Key;
        }
    }

    /// <summary>True when the summary is the fold of everything that the shard's collection holds.</summary>
    public static bool IsCurrent(Provenance? summary, CrossVaultDerivation derivation, string vault, FeedPosition last) =>
        summary is not null && summary.Vault == vault && summary.Collection == derivation.SourceCollection
        && summary.Derivation == derivation.Name && summary.Version == derivation.Version
        && summary.At.Feed == last.Feed && summary.At.History == last.History && summary.At.Position >= last.Position;
}

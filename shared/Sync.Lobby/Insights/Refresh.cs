using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>One refresh: which shards, then each on its own, some at a time.</summary>
internal sealed class Refresh(
    InsightGroup group, IReadOnlyList<CrossVaultDerivation> derivations, SchemaVersion? minVersion, bool failFast)
{
    private readonly Lock _gate = new();
    private readonly List<SkippedVault> _skipped = [];
    private int _written;

    public async Task<RefreshReport> RunAsync(IReadOnlyCollection<string>? only, int concurrency, CancellationToken cancellation)
    {
        if (derivations.Count == 0) return new RefreshReport(0, []);
        var shards = new List<string>();
        await foreach (var (shard, _) in group.Shards.ListAsync(null, cancellation).ConfigureAwait(false)) shards.Add(shard.Vault);
        if (only is not null) shards = Chosen(shards, only);
        var bound = new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellation };
        await Parallel.ForEachAsync(shards, bound, DeriveAsync).ConfigureAwait(false);
        return new RefreshReport(_written, [.. _skipped.OrderBy(one => one.Vault, Utf8Order.Instance).ThenBy(one => one.Derivation, StringComparer.Ordinal)]);
    }

    private List<string> Chosen(List<string> shards, IReadOnlyCollection<string> only)
    {
        var known = shards.ToHashSet(StringComparer.Ordinal);
        var chosen = new List<string>();
        foreach (var vault in only.Distinct(StringComparer.Ordinal).Select(key => group.Name + Names.ShardSeparator + key))
        {
            if (known.Contains(vault)) chosen.Add(vault);
            else Skip(new SkippedVault(vault, null, "error", "there is no such shard"), null);
        }
        return chosen;
    }

    private async ValueTask DeriveAsync(string vault, CancellationToken cancellation)
    {
        foreach (var source in derivations.GroupBy(one => one.SourceCollection, StringComparer.Ordinal))
        {
            var outcome = await group.Deriver.DeriveAsync(vault, source.Key, [.. source], minVersion, cancellation).ConfigureAwait(false);
            lock (_gate) _written += outcome.Written;
            foreach (var failure in outcome.Failures)
                Skip(new SkippedVault(vault, failure.Derivation, failure.Code, failure.Detail), failure);
        }
    }

    private void Skip(SkippedVault skipped, DerivationFailure? failure)
    {
        if (failFast)
            throw new SyncException(
                SyncErrorCode.Refused, $"{skipped.Vault}, derivation '{skipped.Derivation ?? "*"}': {skipped.Detail}",
                failure?.IsTransient ?? false, failure?.Cause);
        lock (_gate) _skipped.Add(skipped);
    }
}

using Sync.Contracts;

namespace Sync.Ledger;

// What collection replicas load and compare; each under the one lock, so each is a snapshot.
public sealed partial class MemoryLedgerStore
{
    /// <inheritdoc/>
    public ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax,
        CancellationToken cancellation = default)
    {
        CheckLimit(limit, SnapshotRequest.LimitMax);
        var range = ScopeRange.Of(scope);
        lock (_gate)
        {
            var position = Row(feed).Position;
            var page = new PageBuilder(limit, bytesMax);
            foreach (var fact in LiveBehind(range, feed, after))
                if (!page.TryAdd(fact)) break;
            return new(new SnapshotPage
            {
                Feeds = Info.Feeds,
                Feed = feed,
                History = Info.History,
                Floor = Position.Start.Next,
                Position = position,
                Envelopes = EnvelopesOf(page.Facts),
                Collections = Touched(range, feed, after, page),
                More = page.More,
                NextEnd = page.More && page.Facts.Count == limit
                    ? LiveBehind(range, feed, page.Facts[^1].Key).Skip(limit - 1).FirstOrDefault()?.Key
                    : null,
            });
        }
    }

    /// <inheritdoc/>
    public ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax,
        CancellationToken cancellation = default)
    {
        CheckLimit(limit, ChangesRequest.LimitMax);
        var range = ScopeRange.Of(scope);
        lock (_gate)
        {
            var row = Row(feed);
            var page = new PageBuilder(limit, bytesMax);
            var first = Math.Clamp(after.Value, 0, row.Position.Value);
            var end = Math.Min(row.Position.Value, first + ILedgerStore.PositionsWalkedMax);
            for (var position = first; position < end; position++)
            {
                var fact = row.Facts[(int)position];
                if (range.Contains(fact.Key.Vault, fact.Key.Collection) && !page.TryAdd(fact)) break;
            }
            return new(new ChangesPage
            {
                Feed = feed,
                History = Info.History,
                Floor = Position.Start.Next,
                Position = row.Position,
                Through = page.More ? page.Facts[^1].Position : new Position(end),
                Envelopes = EnvelopesOf(page.Facts),
            });
        }
    }

    /// <inheritdoc/>
    public ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation = default)
    {
        CheckLimit(request.Limit, VaultsRequest.LimitMax);
        var range = ScopeRange.Of(SyncedPattern.OfGroup(group, request.Collection));
        lock (_gate)
        {
            var vaults = new List<VaultEntry>();
            foreach (var name in CollectionsFrom(range, request.After is { } after ? after + "!" : ""))
            {
                var last = _collections[new(name.Vault, name.Collection)].LastPosition;
                if (vaults.Count == 0 || vaults[^1].Vault != name.Vault)
                {
                    if (vaults.Count > request.Limit) break;
                    vaults.Add(new VaultEntry(name.Vault, Place(name.Vault), last));
                }
                else if (last > vaults[^1].LastPosition)
                {
                    vaults[^1] = vaults[^1] with { LastPosition = last };
                }
            }
            var more = vaults.Count > request.Limit;
            if (more) vaults.RemoveAt(request.Limit);
            return new(new VaultsPage { History = Info.History, Vaults = vaults, More = more });
        }
    }

    /// <inheritdoc/>
    public ValueTask<CollectionDigest> DigestAsync(
        string vault, string collection, CancellationToken cancellation = default)
    {
        using var digester = new CollectionDigester();
        lock (_gate)
        {
            if (!_collections.TryGetValue(new(vault, collection), out var found)) return new(digester.Finish(Position.Start));
            foreach (var key in found.Keys)
            {
                var fact = _keys[new(vault, collection, key)].Facts[^1];
                if (fact.Op != ChangeOp.Delete) digester.Add(key, fact.Sequence, fact.ValueHash);
            }
            return new(digester.Finish(found.LastPosition));
        }
    }

    // The collections of a page's range: from that of its start to that of its last record, or to the end.
    private List<Contracts.CollectionEntry> Touched(ScopeRange range, FeedId feed, SyncedKey? after, PageBuilder page)
    {
        var touched = new List<Contracts.CollectionEntry>();
        foreach (var name in CollectionsFrom(range, after?.Vault ?? ""))
        {
            if (page.More && Utf8Order.Instance.Compare(name, page.Facts[^1].Key with { Key = "" }) > 0) break;
            if (Place(name.Vault) != feed || (after is { } start && Utf8Order.Instance.Compare(name, start with { Key = "" }) < 0)) continue;
            touched.Add(new(name.Vault, name.Collection, _collections[new(name.Vault, name.Collection)].LastPosition));
        }
        return touched;
    }

    private IEnumerable<Fact> LiveBehind(ScopeRange range, FeedId feed, SyncedKey? after)
    {
        foreach (var name in CollectionsFrom(range, after?.Vault ?? ""))
        {
            if (Place(name.Vault) != feed) continue;
            var start = after is { } record ? Utf8Order.Instance.Compare(name, record with { Key = "" }) : 1;
            if (start < 0) continue;
            foreach (var key in _collections[new(name.Vault, name.Collection)].KeysBehind(start == 0 ? after!.Value.Key : null))
            {
                var fact = _keys[name with { Key = key }].Facts[^1];
                if (fact.Op != ChangeOp.Delete) yield return fact;
            }
        }
    }

    // The collections of a range in order, from a vault on; their keys are empty.
    private IEnumerable<SyncedKey> CollectionsFrom(ScopeRange range, string vault)
    {
        var first = new SyncedKey(Utf8Order.Instance.Compare(vault, range.VaultFrom) > 0 ? vault : range.VaultFrom, "", "");
        var end = new SyncedKey(range.VaultBefore, "", "");
        return Utf8Order.Instance.Compare(first, end) >= 0
            ? []
            : _names.GetViewBetween(first, end).Where(name => range.Contains(name.Vault, name.Collection));
    }

    private Envelope[] EnvelopesOf(List<Fact> facts)
    {
        var envelopes = new Envelope[facts.Count];
        for (var index = 0; index < envelopes.Length; index++) envelopes[index] = facts[index].ToEnvelope(Info.History);
        return envelopes;
    }

    private static void CheckLimit(int limit, int max)
    {
        if (limit < 1 || limit > max)
            throw new SyncException(SyncErrorCode.Invalid, $"A limit of {limit} is not allowed; give 1..{max}");
    }
}

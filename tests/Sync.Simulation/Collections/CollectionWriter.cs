using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>What the writer's reads answer: each of one moment.</summary>
internal sealed class CollectionWriter(CollectionPlan plan, CollectionTruth truth)
{
    public object Read(CollectionRequest request) => request.Kind switch
    {
        CollectionRequestKind.Snapshot => Snapshot(request.Snapshot),
        CollectionRequestKind.Changes => Changes(request.Changes),
        _ => GetMany(request.Vault, request.Items),
    };

    private SnapshotPage Snapshot(SnapshotRequest request)
    {
        var feed = request.Feed?.Value ?? 0;
        var facts = truth.Now;
        var envelopes = new List<Envelope>();
        var isMore = false;
        var behind = 0;
        SyncedKey? nextEnd = null;
        for (var key = 0; key < plan.Keys.Length; key++)
        {
            var name = plan.Keys[key];
            if (!plan.Scope.Matches(name) || plan.FeedOf(name.Vault) != feed) continue;
            if (request.After is { } after && Utf8Order.Instance.Compare(name, after) <= 0) continue;
            if (facts.Head(key) is not { } head || head.Fact.Op == ChangeOp.Delete) continue;
            isMore = envelopes.Count == Math.Min(plan.PageSize, request.Limit);
            if (!isMore) envelopes.Add(head.Envelope);
            // One guess in four is wrong.
            else if (++behind == request.Limit + (facts.Feeds[feed].Count % 4 == 0 ? 1 : 0)) nextEnd = name;
            if (nextEnd is not null) break;
        }
        return new()
        {
            Feeds = plan.Feeds,
            Feed = new(feed),
            History = truth.History,
            Floor = new(facts.Floors[feed]),
            Position = new(facts.Feeds[feed].Count),
            Envelopes = envelopes,
            Collections = CollectionsIn(feed, request.After, isMore ? envelopes[^1].Key : null),
            More = isMore,
            // A page that bytes cut has none.
            NextEnd = envelopes.Count == request.Limit ? nextEnd : null,
        };
    }

    private List<CollectionEntry> CollectionsIn(int feed, SyncedKey? after, SyncedKey? end)
    {
        var entries = new List<CollectionEntry>();
        foreach (var (name, change) in truth.Now.Collections)
        {
            var first = new SyncedKey(name.Vault, name.Collection, "");
            var last = first with { Key = "~" };
            if (!plan.Scope.Matches(first) || plan.FeedOf(name.Vault) != feed) continue;
            if (after is { } from && Utf8Order.Instance.Compare(last, from) < 0) continue;
            if (end is { } to && Utf8Order.Instance.Compare(first, to) > 0) continue;
            entries.Add(new(name.Vault, name.Collection, change));
        }
        return entries;
    }

    private ChangesPage Changes(ChangesRequest request)
    {
        var feed = request.Feed.Value;
        var facts = truth.Now;
        var all = facts.Feeds[feed];
        var envelopes = new List<Envelope>();
        var through = (long)all.Count;
        for (var position = Math.Max(request.After.Value + 1, facts.Floors[feed]); position <= all.Count; position++)
        {
            var committed = all[(int)position - 1];
            if (!plan.Scope.Matches(committed.Fact.Key)) continue;
            if (envelopes.Count == Math.Min(plan.ChangesSize, request.Limit))
            {
                through = position - 1;
                break;
            }
            envelopes.Add(committed.Envelope);
        }
        return new()
        {
            Feed = request.Feed,
            History = truth.History,
            Floor = new(facts.Floors[feed]),
            Position = new(all.Count),
            Through = new(through),
            Envelopes = envelopes,
        };
    }

    private EnvelopeAnswer GetMany(string vault, IReadOnlyList<RefetchItem> items)
    {
        var feed = plan.FeedOf(vault);
        var envelopes = new List<Envelope>();
        foreach (var item in items)
        {
            var key = Array.IndexOf(plan.Keys, new(vault, item.Collection, item.Key));
            if (truth.Now.Head(key) is { } head && head.Fact.Sequence > item.Have) envelopes.Add(head.Envelope);
        }
        return new()
        {
            Feed = new(feed),
            History = truth.History,
            Floor = new(truth.Now.Floors[feed]),
            Position = new(truth.Now.Feeds[feed].Count),
            Envelopes = envelopes,
            Answered = items.Count,
        };
    }
}

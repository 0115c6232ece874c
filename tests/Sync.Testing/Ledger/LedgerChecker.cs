using Sync.Contracts;
using Sync.Ledger;
using Sync.MessagePack;

namespace Sync.Testing.Ledger;

/// <summary>Checks a ledger's invariants by reading it from the first fact on. It shares no code with sequencers or
/// stores (but the chain's definition, which has vectors of its own) and trusts no counter: only facts.</summary>
public static class LedgerChecker
{
    private const int PageFacts = 500;

    /// <summary>Reads everything and names what is wrong.</summary>
    /// <param name="store">The ledger; nobody writes to it meanwhile.</param>
    /// <returns>Empty when all invariants hold.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(ILedgerStore store)
    {
        var wrong = new List<string>();
        foreach (var status in await store.StatusAsync())
        {
            var facts = await ReadAllAsync(store, status.Feed, wrong);
            CheckFacts(status.Feed, facts, wrong);
            if (status.Position.Value != facts.Count)
                wrong.Add($"feed {status.Feed} says {status.Position} and has {facts.Count} facts");
            if (status.Published > status.Position) wrong.Add($"feed {status.Feed} is published beyond its end");
            await CheckHeadsAsync(store, facts, wrong);
        }
        return wrong;
    }

    /// <summary>The rules of one feed's facts, in position order from the first.</summary>
    public static void CheckFacts(FeedId feed, IReadOnlyList<Fact> facts, ICollection<string> wrong)
    {
        var heads = new Dictionary<SyncedKey, Fact>();
        var collections = new Dictionary<(string, string), Position>();
        var events = new Dictionary<(string, string), bool>();
        var keys = new Dictionary<(string, string), Fact>();
        var ids = new HashSet<FactId>();
        Fact? previous = null;
        for (var index = 0; index < facts.Count; index++)
        {
            var fact = facts[index];
            void Report(string what) => wrong.Add($"feed {feed} position {fact.Position} ({fact.Key}#{fact.Sequence}): {what}");
            if (fact.Feed != feed) Report($"is of feed {fact.Feed}");
            if (fact.Position.Value != index + 1) Report($"stands at place {index + 1}");
            if (!ids.Add(fact.Id)) Report("its id was used before");
            if (previous is not null && fact.Epoch.Value < previous.Epoch.Value)
                Report($"epoch {fact.Epoch} after {previous.Epoch}");
            if (previous is not null && fact.TransactionTime < previous.TransactionTime) Report("its time goes back");
            var before = heads.GetValueOrDefault(fact.Key);
            if (fact.Sequence.Value != (before?.Sequence.Value ?? 0) + 1)
                Report($"follows sequence {before?.Sequence.Value ?? 0}");
            if (fact.Op != ChangeOp.Append && fact.Causation != before?.Id)
                Report("its causation is not the key's previous fact");
            if (fact.Op == ChangeOp.Append && before is not null) Report("an event under a used key");
            if (fact.Op == ChangeOp.Delete && (before is null || before.Op == ChangeOp.Delete))
                Report("deletes what is not there");
            var name = (fact.Key.Vault, fact.Key.Collection);
            if (fact.After != collections.GetValueOrDefault(name))
                Report($"after is {fact.After}, not {collections.GetValueOrDefault(name)}");
            if (!events.TryAdd(name, fact.Op == ChangeOp.Append) && events[name] != (fact.Op == ChangeOp.Append))
                Report("is of another shape than its collection's first");
            if (fact.ValueHash != Hash256.Of(fact.Value.Span)) Report("its hash is not its value's");
            if (fact.Chain != FactChain.Next(previous?.Chain ?? FactChain.Start, fact)) Report("the chain is broken");
            if (fact.IdempotencyKey is { } used && !keys.TryAdd((fact.Key.Vault, used), fact))
                Report($"idempotency key '{used}' committed at {keys[(fact.Key.Vault, used)].Position} already");
            heads[fact.Key] = fact;
            collections[name] = fact.Position;
            previous = fact;
        }
    }

    /// <summary>All facts of a feed, by pages; a page that does not begin where the last one ended is
    /// reported.</summary>
    public static async Task<IReadOnlyList<Fact>> ReadAllAsync(
        ILedgerStore store, FeedId feed, ICollection<string> wrong)
    {
        var facts = new List<Fact>();
        for (var more = true; more;)
        {
            var page = await store.ReadFeedAsync(feed, new Position(facts.Count), PageFacts, 1 << 20);
            if (page.Facts.Count > 0 && page.Facts[0].Position.Value != facts.Count + 1)
                wrong.Add($"feed {feed}: a page behind {facts.Count} begins at {page.Facts[0].Position}");
            facts.AddRange(page.Facts);
            more = page.More && page.Facts.Count > 0;
        }
        return facts;
    }

    private static async Task CheckHeadsAsync(ILedgerStore store, IReadOnlyList<Fact> facts, List<string> wrong)
    {
        foreach (var key in facts.GroupBy(fact => fact.Key))
        {
            var head = await store.GetAsync(key.Key, AsOf.Now);
            if (head?.Id != key.Last().Id)
                wrong.Add($"the head of {key.Key} is {head?.Sequence}, its last fact is {key.Last().Sequence}");
        }
        foreach (var name in facts.GroupBy(fact => (fact.Key.Vault, fact.Key.Collection)))
        {
            var live = name.GroupBy(fact => fact.Key.Key, StringComparer.Ordinal)
                .Where(key => key.Last().Op != ChangeOp.Delete)
                .Select(key => key.Last().Id).ToHashSet();
            var state = (await store.LoadAsync(name.First().Feed, new LoadRequest([], [new(name.Key.Vault, name.Key.Collection)], [])))
                .Collections[0];
            var shape = name.First().Op == ChangeOp.Append ? CollectionShape.History : CollectionShape.Store;
            if (state != new CollectionState(name.Last().Position, shape))
                wrong.Add($"the collection {name.Key} is {state}, its last fact is at {name.Last().Position}, its shape {shape}");
            var listed = new HashSet<FactId>();
            string? after = null;
            for (var more = true; more;)
            {
                var page = await store.ListAsync(name.Key.Vault, name.Key.Collection, after, PageFacts, AsOf.Now,
                    1 << 20);
                listed.UnionWith(page.Facts.Select(fact => fact.Id));
                more = page.More && page.Facts.Count > 0;
                after = page.Facts.Count > 0 ? page.Facts[^1].Key.Key : after;
            }
            if (!live.SetEquals(listed))
                wrong.Add($"the list of {name.Key} has {listed.Count} records, its facts leave {live.Count}");
        }
    }
}

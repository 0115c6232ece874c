using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>What a group changes beside its facts: records that are new, records that turn live or dead, idempotency
/// keys, collections. An update of a live record changes none of the first two: its last fact is found by its
/// origin.</summary>
internal sealed class GroupSideRows
{
    private readonly Dictionary<(int Collection, string Key), int> _records = [];
    private readonly Dictionary<int, (long LastPosition, long Count, CollectionShape Shape)> _collections = [];

    internal List<(int Collection, string Key, long Origin, bool Live)> New { get; } = [];
    internal List<(int Collection, string Key, bool Live)> Turned { get; } = [];
    internal List<(int Vault, Guid Key, long Position)> Idempotency { get; } = [];
    internal IReadOnlyDictionary<int, (long LastPosition, long Count, CollectionShape Shape)> Collections => _collections;

    internal static GroupSideRows Of(IReadOnlyList<PendingFact> facts, CollectionRow[] collections, GroupColumns columns)
    {
        var rows = new GroupSideRows();
        for (var index = 0; index < facts.Count; index++)
        {
            var collection = collections[index];
            var position = facts[index].Fact.Position.Value;
            // The first fact declares the shape of a collection that has none yet.
            if (!rows._collections.TryGetValue(collection.Id, out var state))
                state.Shape = facts[index].Fact.Op == ChangeOp.Append ? CollectionShape.History : CollectionShape.Store;
            rows._collections[collection.Id] = (position, state.Count + 1, state.Shape);
            if (columns.Idempotency[index] is { } key) rows.Idempotency.Add((collection.VaultId, key, position));
            rows.AddRecord(facts[index], collection.Id);
        }
        return rows;
    }

    // A key may come several times in a group: what counts is its state before the first of them and after the last.
    private void AddRecord(PendingFact pending, int collection)
    {
        var live = pending.Fact.Op != ChangeOp.Delete;
        var isNew = pending.Before.Sequence == Sequence.None;
        if (!isNew && live == pending.Before.IsLive) return;
        var name = (collection, pending.Fact.Key.Key);
        if (isNew)
        {
            _records[name] = New.Count;
            New.Add((collection, pending.Fact.Key.Key, pending.Origin.Value, live));
        }
        else if (!_records.TryGetValue(name, out var at))
        {
            _records[name] = ~Turned.Count;
            Turned.Add((collection, pending.Fact.Key.Key, live));
        }
        else if (at >= 0)
        {
            New[at] = New[at] with { Live = live };
        }
        else
        {
            Turned[~at] = Turned[~at] with { Live = live };
        }
    }
}

using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The names that a scope has, as ranges of texts ordered by their bytes: what an index can walk. A group has its
/// shard vaults only, and neither vaults nor collections whose names are reserved.</summary>
/// <param name="VaultFrom">The first vault name.</param>
/// <param name="VaultBefore">All vault names are below this.</param>
/// <param name="CollectionFrom">The first collection name.</param>
/// <param name="CollectionBefore">All collection names are below this.</param>
/// <param name="HidesReserved">True: reserved collections are left out.</param>
public readonly record struct ScopeRange(
    string VaultFrom, string VaultBefore, string CollectionFrom, string CollectionBefore, bool HidesReserved)
{
    // No name has a character as low as the first or as high as the second (Names): so nothing lies between a name and it
    // with the first behind it, and all names are below the second.
    private const string BehindOneName = "!";
    private const string BehindAllNames = "\u007f";

    /// <summary>The range of a scope; empty for a group that no vault can belong to.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: it names neither one vault nor one group.</exception>
    public static ScopeRange Of(SyncedPattern scope)
    {
        var (collectionFrom, collectionBefore) = scope.Collection is { } collection
            ? (collection, collection + BehindOneName)
            : ("", BehindAllNames);
        switch (scope)
        {
            case { Vault: { } vault, Group: null }:
                return new(vault, vault + BehindOneName, collectionFrom, collectionBefore, false);
            case { Vault: null, Group: { } group }:
                var first = group + Names.ShardSeparator;
                var isGroup = Names.GroupOf(first) == group && group.Length > 0 && !group.EndsWith('-') && !Names.IsReserved(group);
                return isGroup
                    ? new(first, first + BehindAllNames, collectionFrom, collectionBefore, true)
                    : new("", "", collectionFrom, collectionBefore, true);
            default:
                throw new SyncException(SyncErrorCode.Invalid, "A scope names either a vault or a group.");
        }
    }

    /// <summary>True when a collection is in the range.</summary>
    public bool Contains(string vault, string collection) =>
        IsIn(vault, VaultFrom, VaultBefore) && IsIn(collection, CollectionFrom, CollectionBefore)
        && !(HidesReserved && Names.IsReserved(collection));

    private static bool IsIn(string name, string from, string before) =>
        string.CompareOrdinal(name, from) >= 0 && string.CompareOrdinal(name, before) < 0;
}

namespace Sync.Contracts;

/// <summary>Identity of one replicated object: <c>vault/collection/key</c>. Rules of the three names: <see cref="Names"/>.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Collection">The collection in it.</param>
/// <param name="Key">The key in that.</param>
public readonly record struct SyncedKey(string Vault, string Collection, string Key)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Vault}/{Collection}/{Key}";
}

/// <summary>What a pattern subscription follows. Exactly one shape: a collection of a vault, a whole vault, a collection
/// across a group, or a whole group.</summary>
/// <param name="Group">The group; null when <paramref name="Vault"/> is given.</param>
/// <param name="Vault">The vault; null when <paramref name="Group"/> is given.</param>
/// <param name="Collection">The collection; null = all.</param>
public readonly record struct SyncedPattern(string? Group, string? Vault, string? Collection)
{
    /// <summary>All keys of one collection of one vault.</summary>
    public static SyncedPattern OfCollection(string vault, string collection) => new(null, vault, collection);

    /// <summary>All keys of one vault.</summary>
    public static SyncedPattern OfVault(string vault) => new(null, vault, null);

    /// <summary>One collection in all shards of a group, or everything in them.</summary>
    public static SyncedPattern OfGroup(string group, string? collection = null) => new(group, null, collection);

    /// <summary>True when the key is one that the pattern follows.</summary>
    public bool Matches(SyncedKey key) =>
        (Vault is null || key.Vault == Vault)
        && (Group is null || Names.GroupOf(key.Vault) == Group)
        && (Collection is null || key.Collection == Collection);

    /// <inheritdoc/>
    public override string ToString() => $"{(Group is null ? Vault : Group + "--*")}/{Collection ?? "*"}/*";
}

using Sync.Contracts;

namespace Sync.Access;

/// <summary>What may be done with a token.</summary>
public enum AccessAction
{
    /// <summary>Read records, facts, changes, digests.</summary>
    Read,

    /// <summary>Commit records and events.</summary>
    Write,

    /// <summary>See what operators see: feeds, positions, lag.</summary>
    Status,

    /// <summary>Manage tokens and operate services. Implies none of the others.</summary>
    Admin,
}

/// <summary>What a request is about. Every scope that covers it must cover all of it: a part of it is not shown to who may
/// see that part only.</summary>
public readonly record struct AccessTarget
{
    private readonly byte _all;

    private AccessTarget(string? group, string? vault, string? collection, byte all = 0) =>
        (Group, Vault, Collection, _all) = (group, vault, collection, all);

    /// <summary>All shard vaults of this group; null = not a group.</summary>
    public string? Group { get; }

    /// <summary>This vault; null = not one vault.</summary>
    public string? Vault { get; }

    /// <summary>This collection; null = all of them.</summary>
    public string? Collection { get; }

    /// <summary>All vaults but the system's own.</summary>
    public bool IsAllVaults => _all == 1;

    /// <summary>All vaults, the system's own among them.</summary>
    public bool IsEverything => _all == 2;

    /// <summary>Nothing in particular: status, administration.</summary>
    public static AccessTarget None => default;

    /// <summary>Every vault but the system's own.</summary>
    public static AccessTarget AllVaults { get; } = new(null, null, null, 1);

    /// <summary>Every vault, the system's own among them.</summary>
    public static AccessTarget Everything { get; } = new(null, null, null, 2);

    /// <summary>A collection of a vault, or the whole vault.</summary>
    public static AccessTarget OfVault(string vault, string? collection = null) => new(null, vault, collection);

    /// <summary>A collection in all shards of a group, or the whole group.</summary>
    public static AccessTarget OfGroup(string group, string? collection = null) => new(group, null, collection);

    /// <summary>As in the text of a scope.</summary>
    public override string ToString() => this switch
    {
        { IsEverything: true } => "every vault, the system's own too",
        { IsAllVaults: true } => "*/*",
        { Group: { } group } => $"{group}--*/{Collection ?? "*"}",
        { Vault: { } vault } => $"{vault}/{Collection ?? "*"}",
        _ => "",
    };
}

using Sync.Contracts;

namespace Sync.Transport;

/// <summary>What a request asks the writer for.</summary>
public enum RequestKind
{
    /// <summary>The current envelope of a key.</summary>
    Get,

    /// <summary>The current envelopes of many keys of a vault or group.</summary>
    GetMany,

    /// <summary>Pages of a scope's live records.</summary>
    Snapshot,

    /// <summary>Pages of a scope's changes after a position.</summary>
    Changes,

    /// <summary>Commit a value.</summary>
    Put,

    /// <summary>The shard vaults of a group.</summary>
    Vaults,

    /// <summary>Facts of a key after a sequence.</summary>
    History,

    /// <summary>A write forwarded to the feed's owner.</summary>
    Own,

    /// <summary>Append an event to a History.</summary>
    Append,
}

/// <summary>A request's subject, read. Which parts are there depends on the kind; the rest is null.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Group">The group, when the request is for a whole one (partition token <c>~</c>, or <c>vaults</c>).</param>
/// <param name="Vault">The vault.</param>
/// <param name="Collection">The collection; null also for all of a scope (collection token <c>~</c>).</param>
/// <param name="Key">The key.</param>
/// <param name="Feed">The feed of <see cref="RequestKind.Own"/>.</param>
public readonly record struct RequestSubject(
    RequestKind Kind, string? Group, string? Vault, string? Collection, string? Key, FeedId? Feed)
{
    /// <summary>The synced key of a get, put or history.</summary>
    /// <exception cref="InvalidOperationException">The request names no key.</exception>
    public SyncedKey ToKey() =>
        Vault is null || Collection is null || Key is null
            ? throw new InvalidOperationException($"A {Kind} request names no key.")
            : new SyncedKey(Vault, Collection, Key);

    /// <summary>The scope of a snapshot or changes.</summary>
    /// <exception cref="InvalidOperationException">The request names no scope.</exception>
    public SyncedPattern ToScope() =>
        Kind is RequestKind.Snapshot or RequestKind.Changes
            ? new SyncedPattern(Group, Vault, Collection)
            : throw new InvalidOperationException($"A {Kind} request names no scope.");
}

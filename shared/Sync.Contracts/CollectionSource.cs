namespace Sync.Contracts;

/// <summary>Where a collection replica loads and catches up from: the writer, over the bus or in process. A scope is a
/// collection of a vault, a whole vault, a collection across a group, or a whole group. What it holds may lie in several
/// feeds; every page is of one feed and one snapshot of its database.</summary>
public interface ICollectionSource
{
    /// <summary>A page of the live records of a scope in one feed, ordered by the UTF-8 bytes of vault, collection, key.
    /// It settles its range of keys up to its position: what is in the range and not in the page was absent then.</summary>
    /// <exception cref="SyncException">No answer, or an error; transient ones say so.</exception>
    ValueTask<SnapshotPage> SnapshotAsync(SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default);

    /// <summary>All changes of a scope in one feed after a position, in commit order.</summary>
    /// <exception cref="SyncException">As above.</exception>
    ValueTask<ChangesPage> ChangesAsync(SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default);

    /// <summary>The vaults of a group, ordered by the UTF-8 bytes of their names.</summary>
    /// <exception cref="SyncException">As above.</exception>
    ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation = default);
}

/// <summary>Asks for a page of a snapshot.</summary>
/// <param name="Feed">The feed; null = the scope's own when it is of one vault, the first (0) of a group.</param>
/// <param name="After">Start behind this record; null = from the first.</param>
/// <param name="Limit">Most records, 1 to <see cref="LimitMax"/>; a page is cut by bytes as well.</param>
public readonly record struct SnapshotRequest(FeedId? Feed, SyncedKey? After, int Limit)
{
    /// <summary>Most records of one page. Bytes cut it first unless records are very small.</summary>
    public const int LimitMax = 10_000;
}

/// <summary>Live records of one feed, of one database snapshot.</summary>
public sealed class SnapshotPage
{
    /// <summary>How many feeds the ledger has: whoever follows a group asks each.</summary>
    public required int Feeds { get; init; }

    /// <summary>The feed.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The ledger's history.</summary>
    public required HistoryId History { get; init; }

    /// <summary>Oldest position kept.</summary>
    public required Position Floor { get; init; }

    /// <summary>The feed's position that the page stands at.</summary>
    public required Position Position { get; init; }

    /// <summary>The records, in order.</summary>
    public required IReadOnlyList<Envelope> Envelopes { get; init; }

    /// <summary>The collections of the scope that the page's range touches, in order, also those without a live record: a
    /// digest stands at a collection's last change, and that may be a delete, of which no record tells.</summary>
    public required IReadOnlyList<CollectionEntry> Collections { get; init; }

    /// <summary>True: the page was cut, and its range ends with its last record (it has one at least). False: its range has no end.</summary>
    public required bool More { get; init; }

    /// <summary>A guess of the last record of the page behind this one, when that is asked for with the same limit: so the page
    /// behind that one can be asked for at the same time. Null = no guess. Nothing may rest on it: changes make it wrong.</summary>
    public SyncedKey? NextEnd { get; init; }
}

/// <summary>A collection and its last change, as of a page.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Collection">The collection.</param>
/// <param name="LastPosition">Position of its last change, deletes counted; not above the page's.</param>
public readonly record struct CollectionEntry(string Vault, string Collection, Position LastPosition);

/// <summary>Asks for the changes after a position.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="After">Changes with a higher position.</param>
/// <param name="Limit">Most changes, 1 to <see cref="LimitMax"/>; a page is cut by bytes and by positions walked as well.</param>
public readonly record struct ChangesRequest(FeedId Feed, Position After, int Limit)
{
    /// <summary>Most changes of one page.</summary>
    public const int LimitMax = 10_000;
}

/// <summary>Changes of a scope in one feed, of one database snapshot.</summary>
public sealed class ChangesPage
{
    /// <summary>The feed.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The ledger's history. Another than the asker's: its position means nothing here.</summary>
    public required HistoryId History { get; init; }

    /// <summary>Oldest position kept. Above the asked position + 1: changes are gone, only a snapshot helps.</summary>
    public required Position Floor { get; init; }

    /// <summary>The feed's position that the page stands at.</summary>
    public required Position Position { get; init; }

    /// <summary>Every change of the scope behind the asked position up to and with this one is in the page. Below
    /// <see cref="Position"/>: there may be more, ask again behind it. Not above the asked position only when that is at or
    /// above <see cref="Position"/>.</summary>
    public required Position Through { get; init; }

    /// <summary>The changes, tombstones among them, in the order of their positions.</summary>
    public required IReadOnlyList<Envelope> Envelopes { get; init; }
}

/// <summary>Asks for the vaults of a group.</summary>
/// <param name="After">Start behind this vault name; null = from the first.</param>
/// <param name="Collection">Only vaults that have this collection, with its last position; null = all, with the vault's.</param>
/// <param name="Limit">Most vaults, 1 to <see cref="LimitMax"/>.</param>
public readonly record struct VaultsRequest(string? After, string? Collection, int Limit)
{
    /// <summary>Most vaults of one page.</summary>
    public const int LimitMax = 1000;
}

/// <summary>A shard vault.</summary>
/// <param name="Vault">Its name.</param>
/// <param name="Feed">Its feed.</param>
/// <param name="LastPosition">Position of its last change, or of that of the collection asked for.</param>
public readonly record struct VaultEntry(string Vault, FeedId Feed, Position LastPosition);

/// <summary>Vaults of a group.</summary>
public sealed class VaultsPage
{
    /// <summary>The ledger's history.</summary>
    public required HistoryId History { get; init; }

    /// <summary>The vaults, in order.</summary>
    public required IReadOnlyList<VaultEntry> Vaults { get; init; }

    /// <summary>True: there are more behind the last one.</summary>
    public required bool More { get; init; }
}

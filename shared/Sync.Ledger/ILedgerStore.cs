using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A substrate: keeps facts and what is derived in the same transaction (heads, collections, idempotency keys, feed
/// rows). It decides nothing but the fence; the sequencer decides. Every implementation passes <c>LedgerStoreCompliance</c>.
/// Members are safe to call concurrently. A failed connection throws <see cref="SyncException"/> with
/// <see cref="SyncErrorCode.LedgerUnavailable"/>, except where an outcome says otherwise.</summary>
public interface ILedgerStore : IAsyncDisposable
{
    /// <summary>What this ledger is.</summary>
    LedgerInfo Info { get; }

    /// <summary>The feed of a vault, overrides considered.</summary>
    ValueTask<FeedId> FeedOfAsync(string vault, CancellationToken cancellation = default);

    /// <summary>Takes a feed's lease when it is free, expired by the store's clock, or already this owner's; the epoch grows by one.</summary>
    /// <param name="feed">The feed.</param>
    /// <param name="owner">This process: unique, and printable for operators.</param>
    /// <param name="ttl">How long the lease lasts without renewal, by the store's clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The feed's state under the new lease, or null when somebody else holds it.</returns>
    ValueTask<FeedState?> AcquireAsync(FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation = default);

    /// <summary>Renews a lease and saves the published position (never backwards).</summary>
    /// <returns>False when the lease is no longer this one: stop at once.</returns>
    ValueTask<bool> RenewAsync(FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation = default);

    /// <summary>Gives a lease back so that another can take it at once; saves the published position. No effect when it is lost already.</summary>
    ValueTask ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation = default);

    /// <summary>What the sequencer must know before it can number writes: one round trip.</summary>
    ValueTask<Loaded> LoadAsync(FeedId feed, LoadRequest request, CancellationToken cancellation = default);

    /// <summary>Commits a group: facts, heads, collections, idempotency keys and the feed row in one transaction, or nothing.
    /// Never throws for a lost connection: the outcome is then <see cref="CommitOutcome.Unknown"/>.</summary>
    ValueTask<CommitOutcome> CommitAsync(FactGroup group, CancellationToken cancellation = default);

    /// <summary>The current envelope of a key, or the one as of a sequence, position or time; tombstones included.</summary>
    /// <returns>Null when the key had no fact then.</returns>
    ValueTask<Fact?> GetAsync(SyncedKey key, AsOf asOf, CancellationToken cancellation = default);

    /// <summary>Current envelopes of many keys of one vault, with the position they stand at, in one snapshot.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="items">At most <see cref="IEnvelopeSource.ItemsMax"/>.</param>
    /// <param name="bytesMax">The answer stops after the item that passes this many value bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<EnvelopeAnswer> GetManyAsync(string vault, IReadOnlyList<RefetchItem> items, int bytesMax, CancellationToken cancellation = default);

    /// <summary>A page of live records ordered by the UTF-8 bytes of their keys, in one snapshot.</summary>
    /// <param name="vault">The vault.</param>
    /// <param name="collection">The collection.</param>
    /// <param name="afterKey">Start behind this key; null = from the first.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="asOf">Now, or a position or time of the past.</param>
    /// <param name="bytesMax">The page stops after the record that passes this many value bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<FactPage> ListAsync(
        string vault, string collection, string? afterKey, int limit, AsOf asOf, int bytesMax, CancellationToken cancellation = default);

    /// <summary>Facts of a key after a sequence, oldest first.</summary>
    ValueTask<FactPage> HistoryAsync(SyncedKey key, Sequence after, int limit, int bytesMax, CancellationToken cancellation = default);

    /// <summary>Facts of a feed after a position, dense; a hole is <see cref="SyncErrorCode.Corrupt"/>, never skipped.</summary>
    ValueTask<FactPage> ReadFeedAsync(FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default);

    /// <summary>A replay window of a feed: as <see cref="ReadFeedAsync"/>, but filtered, so positions may jump. At most
    /// <see cref="PositionsWalkedMax"/> positions are walked: a page may be empty and yet not the last one. Go on behind
    /// <see cref="FactPage.Through"/>.</summary>
    ValueTask<FactPage> WindowAsync(WindowQuery query, int limit, int bytesMax, CancellationToken cancellation = default);

    /// <summary>A page of the live records of a scope in one feed, ordered by the UTF-8 bytes of vault, collection, key, of
    /// one snapshot. Which names a scope has: <see cref="ScopeRange"/>.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="feed">Only what lies in this feed.</param>
    /// <param name="after">Start behind this record, which need not exist; null = from the first.</param>
    /// <param name="limit">1 to <see cref="SnapshotRequest.LimitMax"/>. A page may be cut before it is full.</param>
    /// <param name="bytesMax">The page stops at the latest after the record that passes this many value bytes; it may stop where
    /// a message of so many bytes is full.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<SnapshotPage> SnapshotAsync(
        SyncedPattern scope, FeedId feed, SyncedKey? after, int limit, int bytesMax, CancellationToken cancellation = default);

    /// <summary>All changes of a scope in one feed behind a position, tombstones included, in the order of positions, of one
    /// snapshot. At most <see cref="PositionsWalkedMax"/> positions are walked; <see cref="ChangesPage.Through"/> says how far.</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="feed">The feed.</param>
    /// <param name="after">Behind this position.</param>
    /// <param name="limit">1 to <see cref="ChangesRequest.LimitMax"/>.</param>
    /// <param name="bytesMax">The page stops after the change that passes this many value bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<ChangesPage> ChangesAsync(
        SyncedPattern scope, FeedId feed, Position after, int limit, int bytesMax, CancellationToken cancellation = default);

    /// <summary>The vaults of a group that have a fact in a name that is not reserved, ordered by the UTF-8 bytes of their names,
    /// of one snapshot.</summary>
    /// <param name="group">The group; one that no vault can belong to has none.</param>
    /// <param name="request">Where to start, and how many.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask<VaultsPage> VaultsAsync(string group, VaultsRequest request, CancellationToken cancellation = default);

    /// <summary>The digest of a collection's live records, of one snapshot. It costs a step for each record and reads no value.
    /// A collection without a fact has count 0 and position 0.</summary>
    ValueTask<CollectionDigest> DigestAsync(string vault, string collection, CancellationToken cancellation = default);

    /// <summary>Most positions of a feed that one filtered read walks, whatever it finds there.</summary>
    const int PositionsWalkedMax = 20_000;

    /// <summary>The last position committed at or before a time; 0 when there is none.</summary>
    ValueTask<Position> PositionAtAsync(FeedId feed, Timestamp time, CancellationToken cancellation = default);

    /// <summary>All feeds: positions, epochs, owners. Bounded by the number of feeds (at most 1,024).</summary>
    ValueTask<IReadOnlyList<FeedStatus>> StatusAsync(CancellationToken cancellation = default);

    /// <summary>Forgets idempotency keys of facts older than a time, a bounded number of facts a call.</summary>
    /// <returns>True when there is more to do.</returns>
    ValueTask<bool> ExpireIdempotencyAsync(FeedId feed, Timestamp before, int factsMax, CancellationToken cancellation = default);
}

/// <summary>What a ledger is, fixed when it was created.</summary>
/// <param name="Substrate">Name for people: <c>postgres</c>, <c>memory</c>.</param>
/// <param name="Feeds">Number of feeds.</param>
/// <param name="History">Its history.</param>
/// <param name="Capabilities">What it can do.</param>
public sealed record LedgerInfo(string Substrate, int Feeds, HistoryId History, LedgerCapabilities Capabilities);

/// <summary>What a substrate can do; a feature that needs an absent one is refused at start, by name.</summary>
[Flags]
public enum LedgerCapabilities
{
    /// <summary>Nothing beyond the contract.</summary>
    None = 0,

    /// <summary>An acknowledged commit survives a crash of the machine.</summary>
    Durable = 1,

    /// <summary>Reads of the past.</summary>
    AsOf = 2,

    /// <summary>Several facts commit together or not at all.</summary>
    AtomicBatch = 4,

    /// <summary>Several processes may share it; leases mean something.</summary>
    Shared = 8,
}

/// <summary>The right to sequence a feed.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Epoch">The fence: a commit under an older epoch is refused by the store.</param>
/// <param name="Owner">Whose it is.</param>
public sealed record FeedLease(FeedId Feed, LeaseEpoch Epoch, string Owner);

/// <summary>Where a feed stands when its lease was taken.</summary>
/// <param name="Lease">The lease.</param>
/// <param name="Position">Last committed position; 0 = none.</param>
/// <param name="Chain">Chain hash of that fact; zero for none.</param>
/// <param name="LastTime">Transaction time of that fact; 0 for none.</param>
/// <param name="Published">Last position known to be with the bus.</param>
public sealed record FeedState(FeedLease Lease, Position Position, Hash256 Chain, Timestamp LastTime, Position Published);

/// <summary>The last fact of a key.</summary>
/// <param name="Sequence">Its sequence; 0 = the key has no fact.</param>
/// <param name="Position">Its position.</param>
/// <param name="FactId">Its id.</param>
/// <param name="IsLive">False for a tombstone, or when there is no fact.</param>
/// <param name="Origin">Position of the key's first fact: the substrate's short name of the key. 0 = no fact.</param>
public readonly record struct HeadState(Sequence Sequence, Position Position, FactId FactId, bool IsLive, Position Origin)
{
    /// <summary>A key without a fact.</summary>
    public static readonly HeadState None = new(Sequence.None, Position.Start, default, false, Position.Start);
}

/// <summary>A collection as the sequencer sees it.</summary>
/// <param name="LastPosition">Position of its last change; 0 = none.</param>
/// <param name="Shape">As its first fact declared it.</param>
public readonly record struct CollectionState(Position LastPosition, CollectionShape Shape);

/// <summary>Names a collection.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Collection">The collection.</param>
public readonly record struct CollectionName(string Vault, string Collection);

/// <summary>An idempotency key in the scope in which it is unique.</summary>
/// <param name="Vault">The vault.</param>
/// <param name="Key">The key.</param>
public readonly record struct IdempotencyName(string Vault, string Key);

/// <summary>What to load. Each list is bounded by the size of a group.</summary>
/// <param name="Keys">Keys whose heads are wanted.</param>
/// <param name="Collections">Collections whose states are wanted.</param>
/// <param name="Idempotency">Idempotency keys whose facts are wanted.</param>
public sealed record LoadRequest(
    IReadOnlyList<SyncedKey> Keys, IReadOnlyList<CollectionName> Collections, IReadOnlyList<IdempotencyName> Idempotency);

/// <summary>What was loaded: parallel to the request.</summary>
/// <param name="Heads">One for each key; <see cref="HeadState.None"/> when it has no fact.</param>
/// <param name="Collections">One for each collection.</param>
/// <param name="Idempotency">One for each idempotency key: the fact that it committed, or null.</param>
public sealed record Loaded(
    IReadOnlyList<HeadState> Heads, IReadOnlyList<CollectionState> Collections, IReadOnlyList<Fact?> Idempotency);

/// <summary>One group commit: dense facts behind <see cref="Expected"/>.</summary>
public sealed class FactGroup
{
    /// <summary>Under which lease.</summary>
    public required FeedLease Lease { get; init; }

    /// <summary>The feed's position before the group; the first fact has the next.</summary>
    public required Position Expected { get; init; }

    /// <summary>1 to the group limit, in position order; the last one's chain and time become the feed's.</summary>
    public required IReadOnlyList<PendingFact> Facts { get; init; }

    /// <summary>Confirmed published position to save along.</summary>
    public required Position Published { get; init; }

    /// <summary>Renews the lease for this long.</summary>
    public required TimeSpan LeaseTtl { get; init; }
}

/// <summary>A fact to commit, and what it replaces.</summary>
/// <param name="Fact">The fact.</param>
/// <param name="Before">The key's head before it (within the group also the previous fact of the same key).</param>
public readonly record struct PendingFact(Fact Fact, HeadState Before)
{
    /// <summary>Position of the key's first fact: this one's own when there was none.</summary>
    public Position Origin => Before.Sequence == Sequence.None ? Fact.Position : Before.Origin;
}

/// <summary>What became of a group.</summary>
public abstract record CommitOutcome
{
    private CommitOutcome() { }

    /// <summary>Durable.</summary>
    public sealed record Committed : CommitOutcome;

    /// <summary>The lease is another's, or the feed stands elsewhere: nothing was written; acknowledge nothing, stop owning.</summary>
    public sealed record Fenced : CommitOutcome;

    /// <summary>The lease is this one's, and the feed stands before <see cref="FactGroup.Expected"/>: the group that this one
    /// is on top of is not written, or not yet. Nothing was written.</summary>
    public sealed record TooEarly : CommitOutcome;

    /// <summary>An idempotency key of the group exists already: nothing was written; load the keys and decide again.</summary>
    public sealed record DuplicateKey : CommitOutcome;

    /// <summary>The store refuses the data: nothing was written; split the group to find the culprit.</summary>
    /// <param name="Detail">What the store said, without values.</param>
    public sealed record DataError(string Detail) : CommitOutcome;

    /// <summary>Certainly not written, the cause passes (cannot connect, serialization, disk full): try the group again later.</summary>
    /// <param name="Detail">What happened.</param>
    public sealed record Failed(string Detail) : CommitOutcome;

    /// <summary>The connection was lost on the way: written or not. Take the feed over from yourself, then read what is there.</summary>
    /// <param name="Detail">What happened.</param>
    public sealed record Unknown(string Detail) : CommitOutcome;
}

/// <summary>A moment of the past: at most one member is given; none = now.</summary>
/// <param name="Sequence">Of one key.</param>
/// <param name="Position">Of the key's feed.</param>
/// <param name="Time">Transaction time; stands for the last position at or before it.</param>
public readonly record struct AsOf(Sequence? Sequence, Position? Position, Timestamp? Time)
{
    /// <summary>The current state.</summary>
    public static readonly AsOf Now;
}

/// <summary>A page of facts and where it stands, all of one snapshot.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="History">The ledger's history.</param>
/// <param name="Floor">Oldest position kept.</param>
/// <param name="Position">The feed's position that the page stands at (for a read of the past: the position that the moment resolved to).</param>
/// <param name="Facts">The facts.</param>
/// <param name="More">True when the page was cut by its limits.</param>
public sealed record FactPage(
    FeedId Feed, HistoryId History, Position Floor, Position Position, IReadOnlyList<Fact> Facts, bool More)
{
    /// <summary>Of a window: everything in it up to and with this position is in the page. 0 for other pages.</summary>
    public Position Through { get; init; }
}

/// <summary>Which facts of a feed to replay.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="After">Behind this position.</param>
/// <param name="UpTo">Up to and with this position; null = the head.</param>
/// <param name="Vault">Only this vault.</param>
/// <param name="Collection">Only this collection (needs a vault).</param>
/// <param name="KeyPrefix">Only keys that start so.</param>
public sealed record WindowQuery(
    FeedId Feed, Position After, Position? UpTo = null, string? Vault = null, string? Collection = null, string? KeyPrefix = null);

/// <summary>A feed for operators.</summary>
/// <param name="Feed">The feed.</param>
/// <param name="Position">Last committed position.</param>
/// <param name="Published">Last confirmed published position as saved.</param>
/// <param name="Floor">Oldest position kept.</param>
/// <param name="Epoch">Lease epoch.</param>
/// <param name="Owner">Who holds the lease; null = nobody.</param>
/// <param name="LeaseLeft">Time until it expires by the store's clock; zero or less = expired.</param>
public sealed record FeedStatus(
    FeedId Feed, Position Position, Position Published, Position Floor, LeaseEpoch Epoch, string? Owner, TimeSpan LeaseLeft);

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>How a collection replica, or one feed of it, stands; the highest of its feeds is that of the whole. What
/// is held stays readable in every status; below <see cref="Stale"/> it was complete once in this history.</summary>
public enum CollectionStatus
{
    /// <summary>Loaded, no gap is open, nothing is refused.</summary>
    Ok = 0,

    /// <summary>As <see cref="Ok"/>, but the newest value of some keys was refused by a gate; their old ones are
    /// shown.</summary>
    Skew = 1,

    /// <summary>A gap is open or a check is under way, or it is being loaded again over what is held.</summary>
    Refetching = 2,

    /// <summary>The writer does not answer, or the history was replaced and its records are not all there yet: what is
    /// shown may be of the old one.</summary>
    Stale = 3,

    /// <summary>The first load is not complete.</summary>
    Loading = 4,

    /// <summary>More records than <see cref="CollectionRules.RecordsMax"/>: what is held is a part, and stays as it
    /// is.</summary>
    Full = 5,
}

/// <summary>When an input happens. The core has neither clock nor chance of its own.</summary>
/// <param name="Now">A clock that is never set.</param>
/// <param name="Jitter">0 to 1, drawn by the shell for each input: spreads retries and checks.</param>
public readonly record struct CollectionMoment(TimeSpan Now, double Jitter);

/// <summary>Kinds of changes that are announced.</summary>
public enum CollectionChangeKind
{
    /// <summary>A record has a new value.</summary>
    Put = 0,

    /// <summary>A record is gone: deleted, or absent from a snapshot that was loaded again.</summary>
    Removed = 1,

    /// <summary>A gate refused the newest value of a key; its old value, if any, is still shown.</summary>
    Refused = 2,

    /// <summary>The history was replaced: sequences may go back this once; what is held is shown as stale until its
    /// successor or its end is known. Names no key.</summary>
    Reset = 3,
}

/// <summary>One change to announce, in order.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Key">The record; default at a reset.</param>
/// <param name="Value">The new value of a put, else default.</param>
/// <param name="Sequence">Of the change; -1 where a snapshot only showed that the record is gone.</param>
/// <param name="At">Where the change is, or where the snapshot stands.</param>
/// <param name="IsLoad">True when it comes from a page of a snapshot.</param>
/// <typeparam name="T">The model.</typeparam>
public readonly record struct CollectionChange<T>(
    CollectionChangeKind Kind, SyncedKey Key, T? Value, Sequence Sequence, FeedPosition At, bool IsLoad);

/// <summary>A held record with all that an envelope of it needs but the value's bytes.</summary>
/// <param name="Key">The record.</param>
/// <param name="Value">Its value.</param>
/// <param name="Sequence">Its sequence.</param>
/// <param name="At">Feed, history and position of its last change.</param>
/// <param name="SchemaVersion">Version that the value was written against.</param>
/// <param name="Hash">SHA-256 of the value's bytes.</param>
/// <param name="Id">The fact's id.</param>
/// <param name="Time">Transaction time.</param>
/// <param name="Producer">Who wrote it; null when not carried.</param>
/// <param name="IsOld">True after a reset, until the new history says what became of it; then
/// <paramref name="At"/> names no history.</param>
/// <typeparam name="T">The model.</typeparam>
public readonly record struct CollectionRecord<T>(
    SyncedKey Key, T Value, Sequence Sequence, FeedPosition At, SchemaVersion SchemaVersion, Hash256 Hash, FactId Id,
    Timestamp Time, string? Producer, bool IsOld);

/// <summary>A key in the skew list: its newest value failed a gate.</summary>
/// <param name="Key">The key.</param>
/// <param name="Sequence">Of the refused value.</param>
/// <param name="Position">Of the refused value.</param>
/// <param name="Reason">What the gate said.</param>
public readonly record struct RefusedRecord(SyncedKey Key, Sequence Sequence, Position Position, string Reason);

/// <summary>How one feed of the scope stands.</summary>
/// <param name="Feed">The feed; null until the first page named it.</param>
/// <param name="Status">How it stands.</param>
/// <param name="Freshness">Current as of which position, and when that was learned.</param>
public readonly record struct CollectionFeedStatus(FeedId? Feed, CollectionStatus Status, FeedFreshness Freshness);

/// <summary>What a core asks its shell to fetch.</summary>
public enum CollectionRequestKind
{
    /// <summary><see cref="ICollectionSource.SnapshotAsync"/>.</summary>
    Snapshot = 0,

    /// <summary><see cref="ICollectionSource.ChangesAsync"/>.</summary>
    Changes = 1,

    /// <summary><see cref="IEnvelopeSource.GetManyAsync"/>.</summary>
    GetMany = 2,
}

/// <summary>A request to the writer. Each ends with exactly one <c>Answered</c> or <c>Failed</c> under its id; a
/// second one, or one for a request that no longer matters, has no effect.</summary>
public sealed class CollectionRequest
{
    /// <summary>Its number, from 1.</summary>
    public required long Id { get; init; }

    /// <summary>Which of the following counts.</summary>
    public required CollectionRequestKind Kind { get; init; }

    /// <summary>For a snapshot page.</summary>
    public SnapshotRequest Snapshot { get; init; }

    /// <summary>For a changes page.</summary>
    public ChangesRequest Changes { get; init; }

    /// <summary>For getmany: the vault of all items.</summary>
    public string Vault { get; init; } = "";

    /// <summary>For getmany: refused keys.</summary>
    public IReadOnlyList<RefetchItem> Items { get; init; } = [];
}

/// <summary>Receives what an input asks for; the shell clears and reuses it.</summary>
/// <typeparam name="T">The model.</typeparam>
public sealed class CollectionEffects<T>
{
    /// <summary>To announce, in order.</summary>
    public List<CollectionChange<T>> Changes { get; } = [];

    /// <summary>To send.</summary>
    public List<CollectionRequest> Requests { get; } = [];

    /// <summary>True when <c>Status</c> of the core is another than before.</summary>
    public bool StatusChanged { get; internal set; }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        Changes.Clear();
        Requests.Clear();
        StatusChanged = false;
    }
}

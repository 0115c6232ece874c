namespace Sync.Contracts;

/// <summary>One requested change. Names, sizes and the value's bytes are checked by whoever takes it in
/// (<see cref="Names"/>, the writer's limits) before it reaches a sequencer.</summary>
public sealed record WriteCommand
{
    /// <summary>What to change. An append may leave the key itself empty: the event then gets its fact's id as its key, and
    /// a repeat with the same idempotency key, also without a key, gets that receipt again.</summary>
    public required SyncedKey Key { get; init; }

    /// <summary>What to do. A put or an append to a new collection declares its shape.</summary>
    public required ChangeOp Op { get; init; }

    /// <summary>One MessagePack value; nil for a delete.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Model version; <see cref="SchemaVersion.Default"/> unless given.</summary>
    public SchemaVersion SchemaVersion { get; init; } = SchemaVersion.Default;

    /// <summary>The key's last sequence as the client knows it, tombstones counted; 0 = no fact ever; null = any.</summary>
    public Sequence? Expected { get; init; }

    /// <summary>True: refuse when there is a live record (<c>If-None-Match: *</c>).</summary>
    public bool OnlyIfNoLiveRecord { get; init; }

    /// <summary>Makes the write repeatable: the same key commits once. Null = not repeatable.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The producer's own time.</summary>
    public Timestamp? ValidTime { get; init; }

    /// <summary>Who asks.</summary>
    public Producer Producer { get; init; } = Producer.Anonymous;

    /// <summary>For an append: the fact that caused the event; null = none.</summary>
    public FactId? Causation { get; init; }

    /// <summary>W3C trace context of the request; null = none.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>Proof of a commit. A repeated idempotency key gets the first one again.</summary>
public sealed record Receipt
{
    /// <summary>The committed fact.</summary>
    public required FactId FactId { get; init; }

    /// <summary>What it is about.</summary>
    public required SyncedKey Key { get; init; }

    /// <summary>The sequence it got.</summary>
    public required Sequence Sequence { get; init; }

    /// <summary>The feed.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The history of its position.</summary>
    public required HistoryId History { get; init; }

    /// <summary>Its place in the feed.</summary>
    public required Position Position { get; init; }

    /// <summary>When it was committed, by the writer's clock.</summary>
    public required Timestamp TransactionTime { get; init; }

    /// <summary>SHA-256 of the value.</summary>
    public required Hash256 ValueHash { get; init; }

    /// <summary>The key's previous fact; null for the first.</summary>
    public FactId? Causation { get; init; }

    /// <summary>What <c>WaitFor</c> takes.</summary>
    public FeedPosition At => new(Feed, History, Position);

    /// <summary>The receipt of a fact.</summary>
    public static Receipt Of(Fact fact, HistoryId history) => new()
    {
        FactId = fact.Id,
        Key = fact.Key,
        Sequence = fact.Sequence,
        Feed = fact.Feed,
        History = history,
        Position = fact.Position,
        TransactionTime = fact.TransactionTime,
        ValueHash = fact.ValueHash,
        Causation = fact.Causation,
    };
}

/// <summary>One of the three outcomes of a write.</summary>
public abstract record WriteResult
{
    private WriteResult() { }

    /// <summary>Durable.</summary>
    /// <param name="Receipt">The proof.</param>
    /// <param name="Replayed">True when an earlier request with the same idempotency key committed it.</param>
    public sealed record Committed(Receipt Receipt, bool Replayed) : WriteResult;

    /// <summary>Certainly not committed by this request.</summary>
    /// <param name="Refusal">Why, and what to do.</param>
    public sealed record Refused(Refusal Refusal) : WriteResult;

    /// <summary>Committed or not: nobody can say now. Repeat with the same idempotency key to find out.</summary>
    /// <param name="Reason">What happened.</param>
    public sealed record Unknown(string Reason) : WriteResult;
}

/// <summary>Why a write was refused.</summary>
/// <param name="Code">Stable code.</param>
/// <param name="Detail">What is wrong and what to do, for people.</param>
/// <param name="Current">The key's current envelope when the expectation differed; else null.</param>
public sealed record Refusal(RefusalCode Code, string Detail, Envelope? Current = null)
{
    /// <summary>True when the same request may be accepted later without a change.</summary>
    public bool IsTransient => Code is RefusalCode.NoOwner or RefusalCode.Overloaded or RefusalCode.ShuttingDown
        or RefusalCode.LedgerUnavailable;
}

/// <summary>Stable codes of refusals. Text form on the wire: kebab-case (<c>expected-sequence-differs</c>); HTTP status in parentheses.</summary>
public enum RefusalCode
{
    /// <summary>A name breaks the rules (400).</summary>
    InvalidName,

    /// <summary>The request cannot be read: malformed JSON or MessagePack, a bad header or parameter (400).</summary>
    MalformedRequest,

    /// <summary>The value cannot be kept: a number that fits nothing, a duplicate key, not one MessagePack value (422).</summary>
    InvalidValue,

    /// <summary>The schema version is not <c>major.minor</c> (422).</summary>
    InvalidSchemaVersion,

    /// <summary>The value or body is over the limit (413).</summary>
    TooLarge,

    /// <summary>The expected sequence is not the key's last (412).</summary>
    ExpectedSequenceDiffers,

    /// <summary>There is a live record and none was wanted (412).</summary>
    LiveRecordExists,

    /// <summary>There is no live record to delete (404).</summary>
    NoLiveRecord,

    /// <summary>The idempotency key was used for another write (422).</summary>
    IdempotencyKeyReused,

    /// <summary>Put or delete on a History, append on a Store, or another event under a used key (409).</summary>
    WrongShape,

    /// <summary>An atomic batch spans feeds or is over its limits (422).</summary>
    InvalidBatch,

    /// <summary>No writer owns the feed before the deadline (503).</summary>
    NoOwner,

    /// <summary>The feed's queue is full (503).</summary>
    Overloaded,

    /// <summary>The writer is stopping (503).</summary>
    ShuttingDown,

    /// <summary>The ledger refused the data for a reason that was not foreseen (422).</summary>
    DataError,

    /// <summary>The database did not take the write before its deadline; it is certainly not committed (503).</summary>
    LedgerUnavailable,
}

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

    /// <summary>Certainly not committed, neither by this request nor by any other that whoever says this has sent for the
    /// write, now or later.</summary>
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

    /// <summary>The key's last sequence when it was refused, tombstones counted; null when the key's state was not the reason,
    /// or the writer did not say.</summary>
    public Sequence? Last { get; init; }

    /// <summary>True when no attempt of the same write can commit any more, wherever it waits and whatever is committed before it
    /// arrives: each is refused, as long as the history lasts. False when that is not certain.</summary>
    /// <param name="command">What was refused.</param>
    /// <remarks>By what the refusal rests on:
    /// <list type="bullet">
    /// <item>The request alone, by rules that all writers share (name, value, schema version): stable.</item>
    /// <item>What never changes again: an idempotency key keeps the write that it committed, a collection its shape, an event
    /// its key. Stable.</item>
    /// <item>The key's state. Sequences only grow, so once the last one is the expected one or above, the expectation leaves
    /// nothing open: at the expected sequence the key stands as it stood, behind it the expectation differs. Stable then; below the
    /// expected sequence, or without an expectation, other writes may make way for it.</item>
    /// <item>Settings of one writer (sizes, batches): another may take it. Not stable.</item>
    /// <item>A passing reason, one that was not foreseen, or one that is not known here, which a client calls malformed:
    /// nothing is certain.</item>
    /// </list></remarks>
    public bool IsStableFor(WriteCommand command) => Code switch
    {
        RefusalCode.InvalidName or RefusalCode.InvalidValue or RefusalCode.InvalidSchemaVersion
            or RefusalCode.IdempotencyKeyReused or RefusalCode.WrongShape => true,
        RefusalCode.ExpectedSequenceDiffers or RefusalCode.LiveRecordExists or RefusalCode.NoLiveRecord =>
            command.Expected <= Last,
        _ => false,
    };

    /// <summary>What the caller of a write is told when this is the last answer to it: refused, unless an earlier attempt of it
    /// is open and may commit in spite of this; then its outcome is unknown.</summary>
    /// <param name="command">What was refused.</param>
    /// <param name="hasOpenAttempt">True when an earlier attempt of the same write was sent and not answered, or answered with
    /// an unknown outcome.</param>
    public WriteResult ToResult(WriteCommand command, bool hasOpenAttempt) => hasOpenAttempt && !IsStableFor(command)
        ? new WriteResult.Unknown($"An earlier attempt was not answered and may still commit; its repeat was refused ({Code}: {Detail})")
        : new WriteResult.Refused(this);
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

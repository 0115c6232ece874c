namespace Sync.Contracts;

/// <summary>What a change did.</summary>
public enum ChangeOp
{
    /// <summary>A full object, also nil.</summary>
    Put = 0,

    /// <summary>A tombstone: the record is gone, its sequence stays.</summary>
    Delete = 1,

    /// <summary>An event of a History collection; its sequence is 1.</summary>
    Append = 2,
}

/// <summary>The change message: the full object with its reconcile key (schema version and sequence) and metadata.
/// Immutable, safe to share between threads and between any number of local subscribers.</summary>
public sealed class Envelope
{
    // What the first schema that shares its results made of the value, without an object around it: the schema is set
    // first, by one thread ever, and until its result follows others parse for themselves.
    private object? _firstSchema;
    private object? _firstResult;
    private ParsedValue? _parsed; // what others made of it, and what is no object

    /// <summary>The synced key that the envelope itself names; parts are null when the bytes did not carry them, and then
    /// it equals no subscribed key.</summary>
    public required SyncedKey Key { get; init; }

    /// <summary>One MessagePack value. Empty or nil for a tombstone. Never written to after construction.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>Model version the value was written against, as it came; may be missing or malformed.</summary>
    public SchemaVersion SchemaVersion { get; init; }

    /// <summary>Per-key sequence; 0 in an answer that says the key is known to be absent.</summary>
    public required Sequence Sequence { get; init; }

    /// <summary>What the change did; an envelope without <c>op</c> is a put.</summary>
    public ChangeOp Op { get; init; }

    /// <summary>The fact's id; all zero when not carried.</summary>
    public FactId Id { get; init; }

    /// <summary>The fact's feed.</summary>
    public FeedId Feed { get; init; }

    /// <summary>The fact's place in the feed; 0 when not carried.</summary>
    public Position Position { get; init; }

    /// <summary>The history it belongs to; 0 when not carried.</summary>
    public HistoryId History { get; init; }

    /// <summary>SHA-256 of <see cref="Value"/> as the writer made it; zero when not carried.</summary>
    public Hash256 Hash { get; init; }

    /// <summary>Position of the previous change of the same collection; 0 = none.</summary>
    public Position After { get; init; }

    /// <summary>Transaction time.</summary>
    public Timestamp Time { get; init; }

    /// <summary>Who wrote it; null when not carried.</summary>
    public string? Producer { get; init; }

    /// <summary>W3C trace context of the write; null when there is none. Travels as a header, not in the bytes.</summary>
    public string? TraceParent { get; init; }

    /// <summary>True for a delete; a nil value alone is not one.</summary>
    public bool IsTombstone => Op == ChangeOp.Delete;

    /// <summary>True for an answer that says that the key has no fact.</summary>
    public bool IsKnownAbsent => Sequence == Sequence.None;

    /// <summary>The parse gate's verdict on the value: once per schema and envelope when the schema shares its results,
    /// else at each call. Safe from any thread; a race parses twice and keeps one.</summary>
    /// <param name="schema">The schema; it never throws for bad input.</param>
    public ParseResult<T> Parse<T>(SyncSchema<T> schema)
    {
        if (!schema.Share) return schema.Parse(Value);
        if (ReferenceEquals(Volatile.Read(ref _firstSchema), schema) && Volatile.Read(ref _firstResult) is { } first)
            return ParseResult<T>.Ok((T)first);
        for (var parsed = Volatile.Read(ref _parsed); parsed is not null; parsed = parsed.Next)
            if (ReferenceEquals(parsed.Schema, schema)) return ((ParsedValue<T>)parsed).Result;
        var result = schema.Parse(Value);
        if (!typeof(T).IsValueType && result.IsOk && result.Value is { } value
            && Interlocked.CompareExchange(ref _firstSchema, schema, null) is null)
        {
            Volatile.Write(ref _firstResult, value);
            return result;
        }
        var added = new ParsedValue<T>(schema, result, Volatile.Read(ref _parsed));
        while (Interlocked.CompareExchange(ref _parsed, added, added.Next) is var seen && seen != added.Next)
            added = new ParsedValue<T>(schema, result, seen);
        return result;
    }

    // An immutable list, newest first; no longer than the number of schemas that read this envelope.
    private abstract class ParsedValue(object schema, ParsedValue? next)
    {
        public object Schema => schema;
        public ParsedValue? Next => next;
    }

    private sealed class ParsedValue<T>(object schema, ParseResult<T> result, ParsedValue? next) : ParsedValue(schema, next)
    {
        public ParseResult<T> Result => result;
    }
}

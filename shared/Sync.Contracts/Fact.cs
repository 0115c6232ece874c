namespace Sync.Contracts;

/// <summary>Who made a change: <c>type:name</c> on the wire, e.g. <c>service:billing</c>.</summary>
/// <param name="Type">Kind of producer, e.g. <c>service</c>, <c>cli</c>, <c>import</c>.</param>
/// <param name="Name">Its name.</param>
public readonly record struct Producer(string Type, string Name)
{
    /// <summary>A writer that was told nothing.</summary>
    public static readonly Producer Anonymous = new("client", "anonymous");

    /// <summary>Reads <c>type:name</c>; a text without a colon is a name of type <c>client</c>.</summary>
    public static Producer FromText(string? text)
    {
        if (string.IsNullOrEmpty(text)) return Anonymous;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new("client", text) : new(text[..colon], text[(colon + 1)..]);
    }

    /// <summary><c>type:name</c>.</summary>
    public override string ToString() => $"{Type}:{Name}";
}

/// <summary>What a derived fact was made from.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Version">The rule's version.</param>
/// <param name="Sources">The source facts.</param>
public sealed record Derivation(string Rule, string Version, IReadOnlyList<FactId> Sources);

/// <summary>One committed change: immutable, and the source of everything else.</summary>
public sealed class Fact
{
    /// <summary>Identity.</summary>
    public required FactId Id { get; init; }

    /// <summary>What it is about.</summary>
    public required SyncedKey Key { get; init; }

    /// <summary>Per-key sequence, dense from 1.</summary>
    public required Sequence Sequence { get; init; }

    /// <summary>What it did.</summary>
    public required ChangeOp Op { get; init; }

    /// <summary>One MessagePack value; nil for a delete.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>SHA-256 of the value: what it contains.</summary>
    public required Hash256 ValueHash { get; init; }

    /// <summary>Model version.</summary>
    public required SchemaVersion SchemaVersion { get; init; }

    /// <summary>The key's previous fact: what came before. Null for the first, and for an event whose client named none.</summary>
    public FactId? Causation { get; init; }

    /// <summary>The writer's clock; never goes back within a feed.</summary>
    public required Timestamp TransactionTime { get; init; }

    /// <summary>The producer's own time; null when it gave none.</summary>
    public Timestamp? ValidTime { get; init; }

    /// <summary>Who wrote it.</summary>
    public required Producer Producer { get; init; }

    /// <summary>What it was derived from; null for an original.</summary>
    public Derivation? Derivation { get; init; }

    /// <summary>The idempotency key of its request; null when it had none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>The feed.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>Its place in the feed, dense from 1.</summary>
    public required Position Position { get; init; }

    /// <summary>Position of the previous change of the same collection; 0 = none.</summary>
    public required Position After { get; init; }

    /// <summary>Lease epoch of the owner that committed it.</summary>
    public required LeaseEpoch Epoch { get; init; }

    /// <summary><c>SHA-256(previous chain ‖ MessagePack array of the fact's fields)</c>; the feed's first follows 32 zero bytes.</summary>
    public required Hash256 Chain { get; init; }

    /// <summary>W3C trace context of its request, for what its owner publishes; not kept: null once it was read back.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The change message of this fact.</summary>
    /// <param name="history">The ledger's history.</param>
    /// <param name="traceParent">The span that publishes it; null = the one of its request.</param>
    public Envelope ToEnvelope(HistoryId history, string? traceParent = null) => new()
    {
        Key = Key,
        Value = Value,
        SchemaVersion = SchemaVersion,
        Sequence = Sequence,
        Op = Op,
        Id = Id,
        Feed = Feed,
        Position = Position,
        History = history,
        Hash = ValueHash,
        After = After,
        Time = TransactionTime,
        Producer = Producer.ToString(),
        TraceParent = traceParent ?? TraceParent,
    };
}

namespace Sync.Contracts;

/// <summary>Where a replica recovers from: the writer's current envelopes. Over the bus, over HTTP, or in process.</summary>
public interface IEnvelopeSource
{
    /// <summary>The current envelopes of keys of one vault that are newer than what the caller has. A key without a fact
    /// answers with sequence 0; a key that is not newer is left out.</summary>
    /// <param name="vault">The vault; all items are in it.</param>
    /// <param name="items">At most <see cref="ItemsMax"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">No answer, or an error; transient ones say so.</exception>
    ValueTask<EnvelopeAnswer> GetManyAsync(string vault, IReadOnlyList<RefetchItem> items, CancellationToken cancellation = default);

    /// <summary>Most items of one request.</summary>
    const int ItemsMax = 1000;
}

/// <summary>One key to refetch.</summary>
/// <param name="Collection">The collection.</param>
/// <param name="Key">The key.</param>
/// <param name="Have">What the caller has applied; <see cref="Sequence.Unknown"/> asks for the current envelope in any case.</param>
public readonly record struct RefetchItem(string Collection, string Key, Sequence Have);

/// <summary>Envelopes and where the answer stands, all of one database snapshot.</summary>
public sealed class EnvelopeAnswer
{
    /// <summary>The feed of the vault.</summary>
    public required FeedId Feed { get; init; }

    /// <summary>The ledger's history.</summary>
    public required HistoryId History { get; init; }

    /// <summary>Oldest position kept.</summary>
    public required Position Floor { get; init; }

    /// <summary>The feed's position that the answer stands at.</summary>
    public required Position Position { get; init; }

    /// <summary>Newer envelopes, in the order asked for. When <see cref="Answered"/> is less than the number asked, the rest was cut
    /// by the byte limit: ask again.</summary>
    public required IReadOnlyList<Envelope> Envelopes { get; init; }

    /// <summary>How many of the asked items, from the first, this answer covers.</summary>
    public required int Answered { get; init; }
}

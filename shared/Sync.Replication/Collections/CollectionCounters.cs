namespace Sync.Replication;

/// <summary>What a collection replica counted since its birth. Each is also a metric.</summary>
public record struct CollectionCounters
{
    /// <summary>Values and tombstones applied.</summary>
    public long Applied { get; internal set; }

    /// <summary>Records that were known already: at or below covered, settled by a page, or of no higher
    /// sequence.</summary>
    public long IgnoredStale { get; internal set; }

    /// <summary>Times that an envelope's <c>after</c> showed a missed change.</summary>
    public long Gaps { get; internal set; }

    /// <summary>Changes that only a beat revealed.</summary>
    public long TailGaps { get; internal set; }

    /// <summary>Values that the parse gate refused.</summary>
    public long ParseErrors { get; internal set; }

    /// <summary>Values that the schema-major gate refused.</summary>
    public long SchemaSkews { get; internal set; }

    /// <summary>Envelopes dropped because their key, feed or position is none of this scope.</summary>
    public long WrongKey { get; internal set; }

    /// <summary>Snapshots loaded to the end.</summary>
    public long Snapshots { get; internal set; }

    /// <summary>Pages of snapshots taken.</summary>
    public long Pages { get; internal set; }

    /// <summary>Pages of changes taken.</summary>
    public long ChangesPages { get; internal set; }

    /// <summary>Times that the history was replaced.</summary>
    public long Resets { get; internal set; }

    /// <summary>Refused keys asked for once more.</summary>
    public long Refetches { get; internal set; }

    /// <summary>Requests that failed, or whose answer could not be used.</summary>
    public long Failures { get; internal set; }

    /// <summary>Live envelopes that did not fit into the buffer.</summary>
    public long BufferDrops { get; internal set; }
}

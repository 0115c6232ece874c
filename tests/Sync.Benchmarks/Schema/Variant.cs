namespace Sync.Benchmarks.Schema;

/// <summary>How a group's rows reach the server.</summary>
internal enum Carry
{
    /// <summary>Several statements over <c>unnest</c>, one synchronisation at the end.</summary>
    Batch,

    /// <summary>One statement of data-modifying CTEs.</summary>
    OneStatement,

    /// <summary>One call of a plpgsql function.</summary>
    Function,

    /// <summary>begin and fence, COPY of the facts, the rest and commit: three round trips.</summary>
    Copy,
}

/// <summary>How the last fact of a key is found.</summary>
internal enum Heads
{
    /// <summary>One step in (origin, position); the key's row is written when it is new.</summary>
    ByIndex,

    /// <summary>A row for each key that every write updates.</summary>
    Upserted,
}

/// <summary>How the facts' table is divided.</summary>
internal enum Division
{
    None,
    ByFeed,
    ByFeedAndPosition,
}

/// <summary>A schema and a way to write to it.</summary>
/// <param name="Name">What the report calls it.</param>
/// <param name="Carry">How rows travel.</param>
/// <param name="Heads">What an update of a key costs beside its fact.</param>
/// <param name="Division">Partitions.</param>
/// <param name="WideIndexes">True: (feed, position) and (feed, origin, sequence). False: (position) and (origin,
/// position).</param>
internal sealed record Variant(string Name, Carry Carry, Heads Heads, Division Division, bool WideIndexes)
{
    internal static readonly IReadOnlyList<Variant> All =
    [
        new("chosen", Carry.Batch, Heads.ByIndex, Division.ByFeedAndPosition, false),
        new("one statement", Carry.OneStatement, Heads.ByIndex, Division.ByFeedAndPosition, false),
        new("function", Carry.Function, Heads.ByIndex, Division.ByFeedAndPosition, false),
        new("copy", Carry.Copy, Heads.ByIndex, Division.ByFeedAndPosition, false),
        new("no partitions", Carry.Batch, Heads.ByIndex, Division.None, false),
        new("by feed only", Carry.Batch, Heads.ByIndex, Division.ByFeed, false),
        new("head upsert", Carry.Batch, Heads.Upserted, Division.ByFeedAndPosition, false),
        new("head upsert, wide", Carry.Batch, Heads.Upserted, Division.ByFeedAndPosition, true),
    ];
}

using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>A group turned on its side: one array a column, as <c>unnest</c> takes them.</summary>
internal sealed class GroupColumns
{
    private GroupColumns(int count)
    {
        Collections = new int[count];
        Origins = new long[count];
        Sequences = new long[count];
        Afters = new long[count];
        Times = new long[count];
        ValidTimes = new long?[count];
        Ops = new short[count];
        Ids = new Guid[count];
        Causations = new Guid?[count];
        Idempotency = new Guid?[count];
        Keys = new string[count];
        SchemaVersions = new string[count];
        Producers = new string[count];
        IdempotencyTexts = new string?[count];
        Derivations = new byte[]?[count];
        ValueHashes = new byte[count][];
        Chains = new byte[count][];
        Values = new ReadOnlyMemory<byte>[count];
    }

    /// <summary>True when all rows have the same time, collection, schema version and producer, and none a valid time, a
    /// derivation or the text of an idempotency key.</summary>
    internal bool AreAlike { get; private set; } = true;

    internal int[] Collections { get; }
    internal long[] Origins { get; }
    internal long[] Sequences { get; }
    internal long[] Afters { get; }
    internal long[] Times { get; }
    internal long?[] ValidTimes { get; }
    internal short[] Ops { get; }
    internal Guid[] Ids { get; }
    internal Guid?[] Causations { get; }
    internal Guid?[] Idempotency { get; }
    internal string[] Keys { get; }
    internal string[] SchemaVersions { get; }
    internal string[] Producers { get; }
    internal string?[] IdempotencyTexts { get; }
    internal byte[]?[] Derivations { get; }
    internal byte[][] ValueHashes { get; }
    internal byte[][] Chains { get; }
    internal ReadOnlyMemory<byte>[] Values { get; }

    internal static GroupColumns Of(IReadOnlyList<PendingFact> facts, CollectionRow[] collections)
    {
        var columns = new GroupColumns(facts.Count);
        string? producer = null;
        var last = default(Producer);
        for (var index = 0; index < facts.Count; index++)
        {
            var fact = facts[index].Fact;
            // A group comes from few producers: their text is made once a run.
            if (producer is null || fact.Producer != last) (last, producer) = (fact.Producer, fact.Producer.ToString());
            columns.Collections[index] = collections[index].Id;
            columns.Origins[index] = facts[index].Origin.Value;
            columns.Sequences[index] = fact.Sequence.Value;
            columns.Afters[index] = fact.After.Value;
            columns.Times[index] = fact.TransactionTime.UnixMicroseconds;
            columns.ValidTimes[index] = fact.ValidTime?.UnixMicroseconds;
            columns.Ops[index] = (short)fact.Op;
            columns.Ids[index] = fact.Id.Value;
            columns.Causations[index] = fact.Causation?.Value;
            columns.Keys[index] = fact.Key.Key;
            columns.SchemaVersions[index] = fact.SchemaVersion.Text ?? "";
            columns.Producers[index] = producer;
            if (fact.IdempotencyKey is { } text)
                (columns.Idempotency[index], columns.IdempotencyTexts[index]) = IdempotencyKeys.FromText(text);
            columns.Derivations[index] = fact.Derivation is null ? null : DerivationBytes.Write(fact.Derivation);
            columns.ValueHashes[index] = fact.ValueHash.ToArray();
            columns.Chains[index] = fact.Chain.ToArray();
            columns.Values[index] = fact.Value;
            columns.AreAlike &= columns.IsLikeFirst(index);
        }
        return columns;
    }

    private bool IsLikeFirst(int index) =>
        ValidTimes[index] is null && Derivations[index] is null && IdempotencyTexts[index] is null
        && Times[index] == Times[0] && Collections[index] == Collections[0]
        && string.Equals(SchemaVersions[index], SchemaVersions[0], StringComparison.Ordinal)
        && string.Equals(Producers[index], Producers[0], StringComparison.Ordinal);
}

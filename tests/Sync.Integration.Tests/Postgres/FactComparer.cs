using Sync.Contracts;

namespace Sync.Integration.Tests.Postgres;

/// <summary>Equality of every member.</summary>
internal sealed class FactComparer : IEqualityComparer<Fact>
{
    internal static readonly FactComparer Instance = new();

    public bool Equals(Fact? x, Fact? y) => x is not null && y is not null && x.Value.Span.SequenceEqual(y.Value.Span) && Rest(x) == Rest(y);

    public int GetHashCode(Fact obj) => obj.Position.GetHashCode();

    private static string Rest(Fact fact) => (
        (fact.Id, fact.Key, fact.Sequence, fact.Op, fact.ValueHash, fact.SchemaVersion, fact.Causation),
        (fact.TransactionTime, fact.ValidTime, fact.Producer, fact.IdempotencyKey, fact.Feed, fact.Position),
        (fact.After, fact.Epoch, fact.Chain)).ToString()!;
}

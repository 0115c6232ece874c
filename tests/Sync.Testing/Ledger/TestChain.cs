using Sync.Contracts;

namespace Sync.Testing.Ledger;

/// <summary>A chain of the test's own, for stores: they keep a chain, they do not know how it is made.</summary>
public static class TestChain
{
    /// <summary>Over the previous chain, the id and the value's hash.</summary>
    public static Hash256 Next(Hash256 previous, Fact fact)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size * 2 + FactId.Size];
        previous.CopyTo(bytes);
        fact.ValueHash.CopyTo(bytes[Hash256.Size..]);
        fact.Id.CopyTo(bytes[(Hash256.Size * 2)..]);
        return Hash256.Of(bytes);
    }
}

using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>The chain that nodes continue.</summary>
internal static class DefaultChain
{
    public static Hash256 Next(Hash256 previous, Fact fact)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size * 2 + FactId.Size];
        previous.CopyTo(bytes);
        fact.ValueHash.CopyTo(bytes[Hash256.Size..]);
        fact.Id.CopyTo(bytes[(Hash256.Size * 2)..]);
        return Hash256.Of(bytes);
    }
}

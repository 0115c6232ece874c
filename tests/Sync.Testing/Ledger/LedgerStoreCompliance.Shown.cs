using Sync.Contracts;

namespace Sync.Testing.Ledger;

/// <summary>How facts and envelopes are told apart in the tests of scopes.</summary>
public abstract partial class LedgerStoreCompliance
{
    // Said again in other words than the ranges of the stores.
    private static bool IsIn(SyncedPattern scope, SyncedKey key) =>
        scope.Matches(key) && (scope.Group is null || !(key.Vault.StartsWith('_') || key.Collection.StartsWith('_')));

    private static string Shown(Fact fact) =>
        $"{fact.Position} {fact.Key}#{fact.Sequence} {fact.Op} {fact.Id} {fact.After} {fact.ValueHash} {fact.TransactionTime} "
        + $"{fact.Producer} {fact.SchemaVersion} {fact.Feed} {Convert.ToHexString(fact.Value.Span)}";

    private static string Shown(Envelope envelope) =>
        $"{envelope.Position} {envelope.Key}#{envelope.Sequence} {envelope.Op} {envelope.Id} {envelope.After} {envelope.Hash} "
        + $"{envelope.Time} {envelope.Producer} {envelope.SchemaVersion} {envelope.Feed} {Convert.ToHexString(envelope.Value.Span)}";
}

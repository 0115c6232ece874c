using Sync.Contracts;

namespace Sync.ReplicaHost;

/// <summary>What a scope may be, and which contains which.</summary>
internal static class Scopes
{
    /// <summary>Checks the names of a scope.</summary>
    /// <returns>Null when fine.</returns>
    public static string? Check(SyncedPattern scope) =>
        (scope.Vault is null ? null : Names.CheckVault(scope.Vault))
        ?? (scope.Group is null ? null : Names.CheckGroup(scope.Group))
        ?? (scope.Collection is null ? null : Names.CheckCollection(scope.Collection));

    /// <summary>True when everything of the inner scope is in the outer one.</summary>
    public static bool Covers(SyncedPattern outer, SyncedPattern inner) =>
        (outer.Collection is null || outer.Collection == inner.Collection)
        && (outer.Vault is not null
            ? outer.Vault == inner.Vault
            : outer.Group is not null
                && outer.Group == (inner.Group ?? (inner.Vault is null ? null : Names.GroupOf(inner.Vault))));
}

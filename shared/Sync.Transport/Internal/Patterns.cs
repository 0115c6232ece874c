using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>The rule of patterns, the same for every transport and for the subjects.</summary>
internal static class Patterns
{
    /// <summary>Null when the pattern names a group or a vault, not both, by the rules of names.</summary>
    public static string? Check(SyncedPattern pattern)
    {
        if ((pattern.Group is null) == (pattern.Vault is null)) return $"pattern {pattern}: give a group or a vault";
        var wrong = pattern.Group is null ? Names.CheckVault(pattern.Vault) : Names.CheckGroup(pattern.Group);
        return wrong ?? (pattern.Collection is null ? null : Names.CheckCollection(pattern.Collection));
    }
}

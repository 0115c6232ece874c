using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>The derivations of one group, each checked when it is added.</summary>
internal sealed class DerivationRegistry(string group)
{
    private readonly List<CrossVaultDerivation> _all = [];

    public IReadOnlyList<CrossVaultDerivation> All => _all;

    /// <summary>Adds one.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: what is wrong and what to do.</exception>
    public void Add(CrossVaultDerivation derivation)
    {
        if (Check(derivation) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, $"derivation '{Shown(derivation.Name)}': {wrong}");
        _all.Add(derivation);
    }

    private string? Check(CrossVaultDerivation derivation)
    {
        if (!IsText(derivation.Name)) return $"a name has 1 to {CrossVaultDerivation.TextLengthMax} characters, none of them a control character";
        if (!IsText(derivation.Version)) return $"a version has 1 to {CrossVaultDerivation.TextLengthMax} characters, none of them a control character";
        if (Names.CheckCollection(derivation.SourceCollection) is { } source) return "source " + source;
        if (Names.CheckVault(derivation.TargetVault) is { } vault) return "target " + vault;
        if (Names.CheckCollection(derivation.TargetCollection) is { } collection) return "target " + collection;
        if (Names.IsReserved(derivation.TargetVault) || Names.IsReserved(derivation.TargetCollection))
            return "target names that start with '_' are the system's own; choose another";
        if (derivation.TargetVault == group || Names.GroupOf(derivation.TargetVault) == group)
            return $"the target is {(derivation.TargetVault == group ? "the group itself" : "one of the group's shards")}; "
                + "an Insight vault lies outside the group that it shows";
        if (_all.Any(other => other.Name == derivation.Name)) return "the name is used already; give each derivation its own";
        return _all.FirstOrDefault(other =>
            other.TargetVault == derivation.TargetVault && other.TargetCollection == derivation.TargetCollection) is { } taken
            ? $"its target is that of '{taken.Name}', whose summaries have the same keys; give each derivation a collection of its own"
            : null;
    }

    private static bool IsText(string? text) =>
        text is { Length: >= 1 and <= CrossVaultDerivation.TextLengthMax } && !text.Any(char.IsControl);

    private static string Shown(string? name) => name is null ? "" : name.Length <= 40 ? name : name[..40] + "…";
}

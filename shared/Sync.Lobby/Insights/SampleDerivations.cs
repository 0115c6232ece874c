using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Derivations that need only settings.</summary>
public static class SampleDerivations
{
    /// <summary>How many live records: <c>{live, bytes}</c>.</summary>
    public const string Counts = "counts";

    /// <summary>The newest record: <c>{key, sequence, time, value}</c>, by a field, or by transaction time without
    /// one.</summary>
    public const string Newest = "newest";

    /// <summary>Sum and counts by the value of a field: <c>{field, present, sum, groups, others}</c>.</summary>
    public const string Totals = "totals";

    /// <summary>The kinds there are.</summary>
    public static IReadOnlyList<string> Kinds => [Counts, Newest, Totals];

    /// <summary>Makes a derivation of a sample kind. Its version names kind and field: other settings make other
    /// summaries.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="field">A member of the records, needed by <see cref="Totals"/>, optional for <see cref="Newest"/>;
    /// 1 to 100 characters.</param>
    /// <param name="name">As <see cref="CrossVaultDerivation.Name"/>.</param>
    /// <param name="source">The collection that is read.</param>
    /// <param name="target">Vault and collection of the summaries.</param>
    /// <param name="autoPush">As <see cref="CrossVaultDerivation.AutoPush"/>.</param>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: no such kind, or a field that it has no use
    /// for.</exception>
    public static CrossVaultDerivation Make(
        string kind, string? field, string name, string source, (string Vault, string Collection) target, bool autoPush)
    {
        if (CheckKind(kind, field) is { } wrong) throw new SyncException(SyncErrorCode.Invalid, $"derivation '{name}': {wrong}");
        return new CrossVaultDerivation
        {
            Name = name,
            Version = field is null ? $"{kind}-1" : $"{kind}-1:{field}",
            SourceCollection = source,
            TargetVault = target.Vault,
            TargetCollection = target.Collection,
            AutoPush = autoPush,
            Derive = kind switch
            {
                Counts => (records, _) => CountsSample.Derive(records),
                Newest => (records, _) => NewestSample.Derive(records, field),
                _ => (records, _) => TotalsSample.Derive(records, field!),
            },
        };
    }

    /// <summary>What is wrong with a kind and its field; null when fine.</summary>
    public static string? CheckKind(string? kind, string? field)
    {
        if (kind is null || !Kinds.Contains(kind, StringComparer.Ordinal))
            return $"there is no kind '{kind}'; known are {string.Join(", ", Kinds)}";
        if (field is { Length: 0 or > 100 } || (field?.Any(char.IsControl) ?? false))
            return "a field has 1 to 100 characters, none of them a control character";
        return (kind, field) switch
        {
            (Totals, null) => "totals needs a field",
            (Counts, not null) => "counts takes no field",
            _ => null,
        };
    }
}

using Sync.Contracts;

namespace Sync.Access;

/// <summary>What is known of a token: everything but its text. A record of the reserved vault <c>_access</c>, collection
/// <c>token</c>, under its id. Only <see cref="Revoked"/> ever changes.</summary>
public sealed record TokenRecord
{
    /// <summary>Most scopes of a token.</summary>
    public const int ScopesMax = 64;

    /// <summary>Most characters of a label and of a purpose.</summary>
    public const int TextLengthMax = 100;

    /// <summary>Shortest life.</summary>
    public static readonly TimeSpan LifeMin = TimeSpan.FromMinutes(1);

    /// <summary>Longest life.</summary>
    public static readonly TimeSpan LifeMax = TimeSpan.FromDays(365);

    /// <summary>Life of a token for which none is given.</summary>
    public static readonly TimeSpan LifeDefault = TimeSpan.FromDays(90);

    /// <summary>See <see cref="AccessToken"/>.</summary>
    public required string Id { get; init; }

    /// <summary>SHA-256 of the token's text.</summary>
    public required Hash256 Hash { get; init; }

    /// <summary>Says to people whose it is: 1 to 100 printable characters.</summary>
    public required string Label { get; init; }

    /// <summary>What it allows: 1 to 64, none twice.</summary>
    public required IReadOnlyList<AccessScope> Scopes { get; init; }

    /// <summary>What it is for: 1 to 100 printable ASCII characters, which each request must repeat in its header
    /// <c>Sync-Purpose</c>. Null = requests need none.</summary>
    public string? Purpose { get; init; }

    /// <summary>When it was made.</summary>
    public required Timestamp Created { get; init; }

    /// <summary>It is refused from this time on, by the clock of the process that checks it.</summary>
    public required Timestamp Expires { get; init; }

    /// <summary>When it was revoked; null = it was not.</summary>
    public Timestamp? Revoked { get; init; }

    /// <summary>The key of a token's record.</summary>
    public static SyncedKey KeyOf(string id) => new(AccessScope.TokenVault, AccessScope.TokenCollection, id);

    /// <summary>What is wrong with it: a sentence for people; null = nothing.</summary>
    public string? Check()
    {
        if (!AccessToken.IsId(Id)) return $"the id is not {AccessToken.IdLength} characters of a-z and 2-7";
        if (CheckLabel(Label) is { } wrongLabel) return wrongLabel;
        if (CheckPurpose(Purpose) is { } wrongPurpose) return wrongPurpose;
        if (CheckScopes(Scopes) is { } wrongScopes) return wrongScopes;
        return Expires <= Created ? "it expires before it is made" : null;
    }

    /// <summary>What is wrong with a label; null = nothing.</summary>
    public static string? CheckLabel(string? label) =>
        label is { Length: > 0 and <= TextLengthMax } && !label.Any(one => char.IsControl(one) || char.IsSurrogate(one))
            ? null
            : $"the label must have 1 to {TextLengthMax} characters, none a control character";

    /// <summary>What is wrong with a purpose; null = nothing.</summary>
    public static string? CheckPurpose(string? purpose) =>
        purpose is null || (purpose.Length is > 0 and <= TextLengthMax && purpose.All(one => one is >= ' ' and <= '~')
            && purpose.Trim() == purpose)
            ? null
            : $"the purpose must have 1 to {TextLengthMax} printable ASCII characters, and no space around them";

    /// <summary>What is wrong with a list of scopes; null = nothing.</summary>
    public static string? CheckScopes(IReadOnlyList<AccessScope>? scopes)
    {
        if (scopes is not { Count: > 0 and <= ScopesMax }) return $"a token has 1 to {ScopesMax} scopes";
        var seen = new HashSet<AccessScope>();
        return scopes.FirstOrDefault(scope => !seen.Add(scope)) is { } twice ? $"the scope {twice} is there twice" : null;
    }
}

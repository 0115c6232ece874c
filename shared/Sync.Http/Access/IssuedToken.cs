using Sync.Access;
using Sync.Contracts;

namespace Sync.Http.Access;

/// <summary>A token that settings name: <c>Sync:Access:Issued:0</c> and so on.</summary>
public sealed record IssuedToken
{
    /// <summary>SHA-256 of its text, 64 hexadecimal digits.</summary>
    public string Hash { get; init; } = "";

    /// <summary>Whose it is: 1 to 100 printable characters.</summary>
    public string Label { get; init; } = "";

    /// <summary>What it allows, separated by white space, like <c>read:shop--*/* write:insight/*</c>.</summary>
    public string Scopes { get; init; } = "";

    /// <summary>What is wrong with it, behind "which"; null = nothing.</summary>
    internal string? Check()
    {
        if (!AccessOptions.IsHash(Hash))
            return "has no hash of 64 hexadecimal digits; sync token root makes a token and its hash";
        if (TokenRecord.CheckLabel(Label) is { } wrongLabel) return "has a wrong label: " + wrongLabel;
        var scopes = Read();
        if (scopes.FirstOrDefault(one => !one.IsOk) is { IsOk: false, Error: { } wrongScope })
            return "has a wrong scope: " + wrongScope;
        return TokenRecord.CheckScopes([.. scopes.Select(one => one.Value)]) is { } wrong ? "has wrong scopes: " + wrong : null;
    }

    internal KeyValuePair<Hash256, AccessIdentity> ToIdentity() => new(
        new Hash256(Convert.FromHexString(Hash)), AccessIdentity.OfSettings(Label, Read().Select(one => one.Value)));

    private ParseResult<AccessScope>[] Read() =>
        [.. Scopes.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(AccessScope.Parse)];
}

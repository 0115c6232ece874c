using Sync.Contracts;

namespace Sync.Access;

/// <summary>One thing that a token allows: <c>read:&lt;vault&gt;/&lt;collection&gt;</c>, <c>write:…</c>, <c>status</c> or
/// <c>admin</c>. The vault is a name, <c>group--*</c> or <c>*</c>, the collection a name or <c>*</c>. A <c>*</c> for vaults
/// leaves out those whose names start with <c>_</c>: the system's own. Every scope has one text.</summary>
public sealed record AccessScope
{
    /// <summary>The reserved vault of tokens.</summary>
    public const string TokenVault = "_access";

    /// <summary>Its collection.</summary>
    public const string TokenCollection = "token";

    private const string Forms = "give read:<vault>/<collection>, write:<vault>/<collection>, status or admin";
    private const string GroupEnd = Names.ShardSeparator + "*";

    private AccessScope(AccessAction action, string? vault, string? group, string? collection) =>
        (Action, Vault, Group, Collection) = (action, vault, group, collection);

    /// <summary>What it allows.</summary>
    public AccessAction Action { get; }

    /// <summary>The vault; null = a group, every vault, or none (status, admin).</summary>
    public string? Vault { get; }

    /// <summary>The group; null = one vault, every vault, or none.</summary>
    public string? Group { get; }

    /// <summary>The collection; null = every one.</summary>
    public string? Collection { get; }

    /// <summary>The scope of operators' reads.</summary>
    public static AccessScope Status { get; } = new(AccessAction.Status, null, null, null);

    /// <summary>The scope of administration.</summary>
    public static AccessScope Admin { get; } = new(AccessAction.Admin, null, null, null);

    /// <summary>Reads a scope; strict.</summary>
    public static ParseResult<AccessScope> Parse(string? text)
    {
        if (text is "status") return ParseResult<AccessScope>.Ok(Status);
        if (text is "admin") return ParseResult<AccessScope>.Ok(Admin);
        if (string.IsNullOrEmpty(text)) return Wrong(text, Forms);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        AccessAction? action = colon < 0 ? null : text[..colon] switch
        {
            "read" => AccessAction.Read,
            "write" => AccessAction.Write,
            _ => null,
        };
        if (action is not { } known) return Wrong(text, Forms);
        var parts = text[(colon + 1)..].Split('/');
        if (parts.Length != 2) return Wrong(text, $"there is one '/' between vault and collection: {Forms}");
        return Parse(text, known, parts[0], parts[1]);
    }

    private static ParseResult<AccessScope> Parse(string text, AccessAction action, string vault, string collection)
    {
        var isGroup = vault.EndsWith(GroupEnd, StringComparison.Ordinal);
        var wrong = vault == "*" ? null
            : isGroup ? Names.CheckGroup(vault[..^GroupEnd.Length])
            : vault.Contains('*', StringComparison.Ordinal) ? "a vault is a name, <group>--* or *"
            : Names.CheckVault(vault);
        wrong ??= collection == "*" ? null
            : collection.Contains('*', StringComparison.Ordinal) ? "a collection is a name or *"
            : Names.CheckCollection(collection);
        if (wrong is null && vault == TokenVault) wrong = $"the vault {TokenVault} is read with admin, and written by nobody";
        if (wrong is null && isGroup && Names.IsReserved(vault)) wrong = "a group's name does not start with '_'";
        if (wrong is null && action == AccessAction.Write && (Names.IsReserved(vault) || Names.IsReserved(collection)))
            wrong = "names that start with '_' are the system's own; nobody writes there";
        if (wrong is not null) return Wrong(text, wrong);
        return ParseResult<AccessScope>.Ok(new AccessScope(
            action, isGroup || vault == "*" ? null : vault, isGroup ? vault[..^GroupEnd.Length] : null,
            collection == "*" ? null : collection));
    }

    /// <summary>True when it alone allows an action on all of a target.</summary>
    public bool Covers(AccessAction action, AccessTarget target)
    {
        if (action != Action) return false;
        if (action is AccessAction.Status or AccessAction.Admin) return true;
        if (Collection is not null && Collection != target.Collection) return false;
        if (target.Vault is { } vault)
            return Vault is not null ? Vault == vault
                : Group is not null ? Names.GroupOf(vault) == Group : !Names.IsReserved(vault);
        if (target.Group is { } group)
            return Vault is null && (Group is null ? !Names.IsReserved(group) : Group == group);
        return (target.IsAllVaults || target.IsEverything) && Vault is null && Group is null;
    }

    /// <summary>Its one text.</summary>
    public override string ToString() => Action switch
    {
        AccessAction.Status => "status",
        AccessAction.Admin => "admin",
        _ => $"{NameOf(Action)}:{Vault ?? (Group is null ? "*" : Group + GroupEnd)}/{Collection ?? "*"}",
    };

    /// <summary>An action as in the text of a scope.</summary>
    public static string NameOf(AccessAction action) => action switch
    {
        AccessAction.Read => "read",
        AccessAction.Write => "write",
        AccessAction.Status => "status",
        _ => "admin",
    };

    private static ParseResult<AccessScope> Wrong(string? text, string why) =>
        ParseResult<AccessScope>.Err($"'{(text is { Length: > 80 } ? text[..80] + "…" : text)}' is not a scope: {why}");
}

using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>What a scope says and covers, held against a plain model: a set of vaults and collections.</summary>
public sealed class ScopeTests
{
    private static readonly string[] Vaults =
        ["acme", "acme2", "pypi--django", "pypi--flask", "pypi", "py--pi", "npm--x", "_access", "_state", "*", "x"];

    private static readonly string[] Collections = ["advisory", "token", "_insight", "a"];

    public static TheoryData<string, string> Refused => new()
    {
        { "", "give read:" }, { "read", "give read:" }, { "READ:a/b", "give read:" }, { "list:a/b", "give read:" },
        { "status:a/b", "give read:" }, { "Status", "give read:" }, { "admin ", "give read:" }, { "read:a", "one '/'" },
        { "read:a/b/c", "one '/'" }, { "read:/b", "vault is empty" }, { "read:a/", "collection is empty" },
        { "read:a*/b", "a vault is a name" }, { "read:**/b", "a vault is a name" }, { "read:a/b*", "a collection is a name" },
        { "read:*--*/b", "group" }, { "read:--*/b", "group" }, { "read:a---*/b", "group" }, { "read:a--b--*/b", "group" },
        { "read:.a/b", "starts with a dot" }, { "read:a b/c", "characters other" }, { "read: a/c", "characters other" },
        { "read:_access/token", "with admin" }, { "read:_access/*", "with admin" }, { "write:_access/*", "with admin" },
        { "read:_x--*/a", "does not start with '_'" }, { "write:_state/*", "nobody writes there" },
        { "write:a/_x", "nobody writes there" }, { "read:a/b\n", "characters other" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_text_that_is_no_scope_is_refused_with_what_is_wrong(string text, string said) =>
        AccessScope.Parse(text).Error.ShouldNotBeNull().ShouldContain(said);

    [Fact]
    public void A_scope_has_one_text()
    {
        foreach (var text in All())
        {
            var scope = AccessScope.Parse(text).Value;
            scope.ToString().ShouldBe(text);
            AccessScope.Parse(scope.ToString()).Value.ShouldBe(scope);
        }
    }

    [Fact]
    public void A_scope_covers_a_target_when_it_covers_every_part_of_it()
    {
        var (yes, no) = (0, 0);
        foreach (var text in All())
        {
            var scope = AccessScope.Parse(text).Value;
            foreach (var action in Enum.GetValues<AccessAction>())
                foreach (var (target, parts) in Targets())
                {
                    // The model: a target is a set of pairs of names, and each of them must be covered.
                    var expected = action is AccessAction.Status or AccessAction.Admin
                        ? text == AccessScope.NameOf(action)
                        : parts.Length > 0 && parts.All(part => ModelCovers(text, action, part.Vault, part.Collection));
                    scope.Covers(action, target).ShouldBe(expected, $"{text} {action} {target}");
                    if (expected) yes++;
                    else no++;
                }
        }
        yes.ShouldBeGreaterThan(200);
        no.ShouldBeGreaterThan(200);
    }

    [Fact]
    public void The_vault_of_tokens_and_whatever_holds_it_need_admin()
    {
        var reader = Identity("read:*/*", "write:*/*", "status");
        var admin = Identity("admin");
        var both = Identity("read:*/*", "admin");
        var tokens = AccessTarget.OfVault("_access", "token");
        reader.Covers(AccessAction.Read, tokens).ShouldBeFalse();
        reader.Covers(AccessAction.Read, AccessTarget.AllVaults).ShouldBeTrue();
        reader.Covers(AccessAction.Read, AccessTarget.Everything).ShouldBeFalse();
        admin.Covers(AccessAction.Read, tokens).ShouldBeTrue();
        admin.Covers(AccessAction.Read, AccessTarget.Everything).ShouldBeFalse();
        both.Covers(AccessAction.Read, AccessTarget.Everything).ShouldBeTrue();
    }

    [Fact]
    public void Admin_implies_nothing_else()
    {
        foreach (var admin in new[] { Identity("admin"), AccessIdentity.Root })
        {
            admin.Covers(AccessAction.Admin, AccessTarget.None).ShouldBeTrue();
            admin.Covers(AccessAction.Status, AccessTarget.None).ShouldBeFalse();
            admin.Covers(AccessAction.Read, AccessTarget.OfVault("acme", "a")).ShouldBeFalse();
            admin.Covers(AccessAction.Write, AccessTarget.OfVault("acme", "a")).ShouldBeFalse();
        }
    }

    [Fact]
    public void A_refusal_names_what_is_missing()
    {
        AccessIdentity.Needed(AccessAction.Read, AccessTarget.OfGroup("pypi", "advisory")).ShouldContain("read:pypi--*/advisory");
        AccessIdentity.Needed(AccessAction.Write, AccessTarget.OfVault("acme")).ShouldContain("write:acme/*");
        AccessIdentity.Needed(AccessAction.Read, AccessTarget.AllVaults).ShouldContain("read:*/*");
        AccessIdentity.Needed(AccessAction.Read, AccessTarget.Everything).ShouldContain("admin");
        AccessIdentity.Needed(AccessAction.Status, AccessTarget.None).ShouldContain("status");
    }

    private static AccessIdentity Identity(params string[] scopes) => new(Tokens.Record(AccessToken.Mint(), scopes));

    private static IEnumerable<string> All()
    {
        yield return "status";
        yield return "admin";
        foreach (var action in new[] { "read", "write" })
            foreach (var vault in new[] { "*", "acme", "pypi--*", "pypi--django", "pypi", "py--*", "npm--*", "x" })
                foreach (var collection in new[] { "*", "advisory", "a" })
                    yield return $"{action}:{vault}/{collection}";
        yield return "read:_state/*";
        yield return "read:acme/_insight";
    }

    // A vault "*" is no name: it stands for every other vault that there may be. Likewise a collection "*".
    private static IEnumerable<(AccessTarget Target, (string Vault, string Collection)[] Parts)> Targets()
    {
        string[] collections = [.. Collections, "any"];
        foreach (var vault in Vaults.Where(name => name != "*"))
        {
            foreach (var collection in Collections) yield return (AccessTarget.OfVault(vault, collection), [(vault, collection)]);
            yield return (AccessTarget.OfVault(vault), [.. collections.Select(one => (vault, one))]);
        }
        foreach (var group in new[] { "pypi", "py", "npm", "other" })
        {
            yield return (AccessTarget.OfGroup(group, "advisory"), [(group + "--any", "advisory"), (group + "--django", "advisory")]);
            yield return (AccessTarget.OfGroup(group), [.. collections.Select(one => (group + "--any", one))]);
        }
        var every = Vaults.Append("any").Where(name => name != "*" && !Names.IsReserved(name));
        yield return (AccessTarget.AllVaults, [.. every.SelectMany(vault => collections.Select(one => (vault, one)))]);
        yield return (AccessTarget.None, []);
    }

    private static bool ModelCovers(string scope, AccessAction action, string vault, string collection)
    {
        if (!scope.StartsWith(AccessScope.NameOf(action) + ":", StringComparison.Ordinal)) return false;
        var parts = scope[(scope.IndexOf(':', StringComparison.Ordinal) + 1)..].Split('/');
        var vaultFits = parts[0] == vault || (parts[0] == "*" && vault[0] != '_')
            || (parts[0].EndsWith("--*", StringComparison.Ordinal)
                && vault.IndexOf("--", StringComparison.Ordinal) == parts[0].Length - 3
                && vault.StartsWith(parts[0][..^1], StringComparison.Ordinal));
        return vaultFits && (parts[1] == "*" || parts[1] == collection);
    }
}

using Microsoft.Extensions.Configuration;
using Shouldly;
using Sync.Access;
using Sync.Hosting;
using Sync.Http.Access;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>Tokens that settings name.</summary>
public sealed class IssuedTokenTests
{
    private static readonly string Root = Hash(AccessToken.Mint());

    [Fact]
    public void It_is_let_in_with_what_the_settings_allow()
    {
        var token = AccessToken.Mint();
        var guard = Read(("Hash", Hash(token)), ("Label", "insight"), ("Scopes", "read:shop--*/* write:insight/*"))
            .ToGuard(TimeProvider.System);
        var identity = guard.Check("Bearer " + token, null).Identity.ShouldNotBeNull();
        identity.Label.ShouldBe("insight");
        identity.Covers(AccessAction.Read, AccessTarget.OfGroup("shop")).ShouldBeTrue();
        identity.Covers(AccessAction.Write, AccessTarget.OfVault("shop--a")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("Hash", "abc", "has no hash of 64 hexadecimal digits")]
    [InlineData("Label", "", "has a wrong label")]
    [InlineData("Scopes", "", "has wrong scopes")]
    [InlineData("Scopes", "read:a/b/c", "has a wrong scope: 'read:a/b/c' is not a scope")]
    public void A_wrong_one_stops_the_start_by_name(string name, string value, string message)
    {
        var good = new[] { ("Hash", Hash(AccessToken.Mint())), ("Label", "insight"), ("Scopes", "status") };
        Should.Throw<StartupException>(() => Read([.. good.Select(one => one.Item1 == name ? (name, value) : one)]))
            .Message.ShouldContain(message);
    }

    private static AccessOptions Read(params (string Name, string Value)[] issued) => AccessOptions.Read(
        new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Sync:Access:AdminTokenHash", Root),
            .. issued.Select(one => new KeyValuePair<string, string?>("Sync:Access:Issued:0:" + one.Name, one.Value)),
        ]).Build());

    private static string Hash(string token) => AccessToken.HashOf(token).ToString();
}

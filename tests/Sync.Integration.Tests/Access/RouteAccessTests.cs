using Shouldly;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>Every route of the writer × every kind of token.</summary>
public sealed class RouteAccessTests(PostgresFixture postgres)
{
    private const string Ndjson = "application/x-ndjson";
    private static readonly string[] Read = ["read:acme/note"];
    private static readonly string[] Write = ["write:acme/note"];

    private static readonly RouteRow[] Rows =
    [
        new("put /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/a", Write, "1"),
        new("get /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/a", Read),
        new("get /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/nothing", Read),
        new("delete /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/nothing", Write),
        new("get /v1/vaults/{vault}/{collection}", "/v1/vaults/acme/note", Read),
        new("post /v1/vaults/{vault}/{collection}", "/v1/vaults/acme/event", ["write:acme/event"], "1"),
        new("get /v1/history/{vault}/{collection}/{key}", "/v1/history/acme/note/a", Read),
        new("get /v1/digests/{vault}/{collection}", "/v1/digests/acme/note", Read),
        new("get /v1/facts", "/v1/facts?vault=acme&collection=note", Read),
        new("get /v1/facts", "/v1/facts?vault=acme", ["read:acme/*"]),
        new("get /v1/facts", "/v1/facts?feed=0", ["read:*/*", "admin"]),
        new("get /v1/events", "/v1/events?vault=acme&collection=note&from=beginning", Read),
        new("get /v1/events", "/v1/events?vault=acme&from=beginning", ["read:acme/*"]),
        new("get /v1/events", "/v1/events?feed=0&group=g&collection=note", ["read:g--*/note"]),
        new("get /v1/events", "/v1/events?feed=0", ["read:*/*"]),
        new("get /v1/vaults", "/v1/vaults?group=g", ["read:g--*/*"]),
        new("get /v1/vaults", "/v1/vaults?group=g&collection=note", ["read:g--*/note"]),
        new("post /v1/batch", "/v1/batch", Write, """{"vault":"acme","collection":"note","key":"b","value":1}""", Ndjson, Lines: true),
        new("post /v1/tokens", "/v1/tokens", ["admin"], """{"label":"x","scopes":["status"]}"""),
        new("get /v1/tokens", "/v1/tokens", ["admin"]),
        new("delete /v1/tokens/{id}", "/v1/tokens/aaaaaaaaaaaaaaaa", ["admin"]),
        new("get /v1/status", "/v1/status", ["status"]),
        new("get /healthz", "/healthz", []),
        new("get /readyz", "/readyz", []),
    ];

    [Fact]
    public async Task Every_route_lets_in_who_may_and_nobody_else()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        (await rig.SendAsync("PUT", "/v1/vaults/acme/note/a", await rig.IssueAsync("write:acme/*"), "1")).Number("sequence").ShouldBe(1);
        var matrix = new RouteMatrix(rig, rig.Writers[0], Rows);

        await matrix.RunAsync();

        matrix.Calls.ShouldBeGreaterThan(300);
    }

    [Fact]
    public async Task A_route_without_a_row_is_noticed()
    {
        await using var rig = await AccessRig.StartAsync(postgres);
        RouteRow[] rows = [.. Rows.Where(row => row.Route != "get /v1/status")];
        var missed = await Assert.ThrowsAsync<ShouldAssertException>(() => new RouteMatrix(rig, rig.Writers[0], rows).RunAsync());
        missed.Message.ShouldContain("get /v1/status");
    }
}

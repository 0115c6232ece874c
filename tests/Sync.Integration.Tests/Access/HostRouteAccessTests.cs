using System.Net;
using Shouldly;
using Sync.Testing.Postgres;
using Xunit;

namespace Sync.Integration.Tests.Access;

/// <summary>Every route of the hosts × every kind of token. The hosts learn of tokens over the broker as it is shipped, each
/// as a user of its own.</summary>
public sealed class HostRouteAccessTests(PostgresFixture postgres)
{
    private static readonly string[] Read = ["read:acme/note"];
    private static readonly string[] ReadVault = ["read:acme/*"];
    private static readonly string[] ReadGroup = ["read:g--*/*"];
    private static readonly string[] Status = ["status"];

    private static readonly RouteRow[] Anonymous = [new("get /healthz", "/healthz", []), new("get /readyz", "/readyz", [])];

    private static readonly RouteRow[] ReplicaRows =
    [
        new("get /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/a", Read),
        new("get /v1/vaults/{vault}/{collection}/{key}", "/v1/vaults/acme/note/nothing", Read),
        new("get /v1/vaults/{vault}/{collection}", "/v1/vaults/acme/note", Read),
        new("get /v1/digests/{vault}/{collection}", "/v1/digests/acme/note", Read),
        new("get /v1/vaults", "/v1/vaults?group=g", ReadGroup),
        new("get /v1/vaults", "/v1/vaults", ["read:*/*"]),
        new("get /v1/stream", "/v1/stream?vault=acme&collection=note", Read),
        new("get /v1/stream", "/v1/stream?vault=acme", ReadVault),
        new("get /v1/stream", "/v1/stream?group=g", ReadGroup),
        new("post /v1/tickets", "/v1/tickets?vault=acme&collection=note", Read),
        new("post /v1/tickets", "/v1/tickets?vault=acme", ReadVault),
        new("post /v1/tickets", "/v1/tickets?group=g&collection=note", ["read:g--*/note"]),
        new("get /v1/status", "/v1/status", Status),
        .. Anonymous,
    ];

    private static readonly RouteRow[] InsightRows =
    [
        new("post /v1/insights/refresh", "/v1/insights/refresh", ["admin"], "{}"),
        new("get /v1/insights/settled", "/v1/insights/settled?wait=0", Status),
        new("get /v1/deadletters", "/v1/deadletters", Status),
        new("get /v1/status", "/v1/status", Status),
        .. Anonymous,
    ];

    [Fact]
    public async Task Every_route_of_a_replica_host_lets_in_who_may_and_nobody_else()
    {
        await using var rig = await StartAsync();
        var host = await rig.StartReplicaHostAsync();
        var matrix = new RouteMatrix(rig, host, ReplicaRows);

        await matrix.RunAsync();

        matrix.Calls.ShouldBeGreaterThan(200);
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task Every_route_of_an_Insight_host_lets_in_who_may_and_nobody_else()
    {
        await using var rig = await StartAsync();
        var own = await rig.IssueAsync("read:g--*/*", "read:insight/*", "write:insight/*", "status");
        var (host, _) = await rig.StartInsightHostAsync(("Sync__InsightHost__Token", own));
        var matrix = new RouteMatrix(rig, host, InsightRows);

        await matrix.RunAsync();

        matrix.Calls.ShouldBeGreaterThan(50);
        await rig.ShouldNotLeakAsync(postgres);
    }

    [Fact]
    public async Task A_route_of_a_host_without_a_row_is_noticed()
    {
        await using var rig = await StartAsync();
        var host = await rig.StartReplicaHostAsync();
        RouteRow[] rows = [.. ReplicaRows.Where(row => row.Route != "post /v1/tickets")];
        var missed = await Assert.ThrowsAsync<ShouldAssertException>(() => new RouteMatrix(rig, host, rows).RunAsync());
        missed.Message.ShouldContain("post /v1/tickets");
    }

    private async Task<AccessRig> StartAsync()
    {
        var rig = await AccessRig.StartShippedAsync(postgres);
        var writer = await rig.IssueAsync("write:*/*");
        foreach (var vault in new[] { "acme", "g--a" })
            (await rig.SendAsync("PUT", $"/v1/vaults/{vault}/note/a", writer, "{}")).Status.ShouldBe(HttpStatusCode.Created);
        return rig;
    }
}

using System.Net;
using System.Net.Sockets;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>What a replica host refuses at its start.</summary>
public sealed class HostSettingsTests
{
    private const string Follow = "ReplicaHost__Follow__0__";

    [Theory]
    [InlineData("ReplicaHost__Urls", "http://0.0.0.0:5090", "only loopback addresses")]
    [InlineData("ReplicaHost__Url", "x", "Sync:ReplicaHost:Url is not a setting")]
    [InlineData("ReplicaHost__ChangesKept", "1", "Sync:ReplicaHost:ChangesKept is 1; must be 16..1000000 changes")]
    [InlineData("ReplicaHost__Streams__StreamsMax", "0", "Sync:ReplicaHost:Streams:StreamsMax is 0; must be 1..100000")]
    [InlineData("ReplicaHost__Streams__Max", "0", "Sync:ReplicaHost:Streams:Max is not a setting")]
    [InlineData(Follow + "Vault", "acme", "Sync:ReplicaHost:Follow:0 gives both of Group and Vault")]
    [InlineData(Follow + "Collecton", "c", "Sync:ReplicaHost:Follow:0:Collecton is not a setting")]
    [InlineData(Follow + "Group", "a--b", "group 'a--b' holds '--'")]
    [InlineData(Follow + "Group", "a b", "has characters other than")]
    [InlineData(Follow + "Collection", ".c", "starts with a dot")]
    [InlineData("ReplicaHost__Follow__1__Vault", "g--x", "which Follow:0 follows already; remove it")]
    [InlineData("ReplicaHost__Follow__1__Group", "g", "which Follow:0 follows already; remove it")]
    [InlineData("Nats__PingInterval", "00:00:00", "Sync:Nats:PingInterval")]
    public async Task A_wrong_setting_ends_the_process_at_once_with_one_line(string name, string value, string said)
    {
        await using var host = HostProcess.Start(
            [("Nats__Url", "nats://x:canary-secret@127.0.0.1:1"), (Follow + "Group", "g"), (name, value)]);
        (await host.Process.WaitForExitAsync()).ShouldBe(78, host.Process.Output);
        (await host.Process.WaitForLineAsync(said)).ShouldNotContain("canary-secret");
        host.Process.Output.Trim().Split('\n').Length.ShouldBe(1, host.Process.Output);
    }

    [Fact]
    public async Task A_host_that_follows_nothing_is_told_how_to()
    {
        await using var host = HostProcess.Start([("Nats__Url", "nats://127.0.0.1:1")]);
        (await host.Process.WaitForExitAsync()).ShouldBe(78, host.Process.Output);
        await host.Process.WaitForLineAsync("Sync:ReplicaHost:Follow names 0 scopes; give 1..64");
    }

    [Fact]
    public async Task A_taken_port_is_named_with_the_setting_that_changes_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var host = HostProcess.Start(
            [("ReplicaHost__Urls", $"http://127.0.0.1:{port}"), (Follow + "Group", "g")]);
        (await host.Process.WaitForExitAsync()).ShouldBe(69, host.Process.Output);
        await host.Process.WaitForLineAsync("change Sync:ReplicaHost:Urls");
    }

    [Fact]
    public async Task A_broker_that_is_away_is_waited_for()
    {
        await using var host = HostProcess.Start([("Nats__Url", "nats://127.0.0.1:1"), (Follow + "Group", "g")]);
        await host.Process.WaitForHttpOkAsync(new Uri(host.Http.BaseAddress!, "/healthz"));
        (await host.StatusCodeAsync("/readyz")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await host.StatusCodeAsync("/v1/vaults/g--a/c/k")).ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await host.TextAsync("/v1/status")).ShouldContain("\"status\":\"loading\"");
        (await host.Process.TerminateAsync()).ShouldBe(0, host.Process.Output);
    }
}

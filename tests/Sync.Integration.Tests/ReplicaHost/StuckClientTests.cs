using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Xunit;

namespace Sync.Integration.Tests.ReplicaHost;

/// <summary>Two hundred clients, half of which never read: the others get everything, memory stays bounded, a stop is
/// quick.</summary>
public sealed class StuckClientTests(HostFixture fixture) : IClassFixture<HostFixture>, IAsyncLifetime
{
    private const int Rounds = 60;
    private const long MegabytesMax = 400;

    // A process ends a little after its work did, on a busy machine.
    private static readonly TimeSpan ProcessEnd = TimeSpan.FromSeconds(1);


    private readonly HostRig _rig = fixture.Rig;
    private readonly List<Socket> _sockets = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets) socket.Dispose();
        await _rig.EndHostsAsync();
    }

    [Fact]
    public async Task Clients_that_never_read_cost_the_others_nothing_but_little_memory()
    {
        // They stay for good: memory must be bounded also before anybody is dropped.
        var host = await _rig.StartHostAsync("g", ("ReplicaHost__Streams__WriteTimeout", "00:01:00"));
        await StickAsync(host, 100);
        var readers = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => ReadAllAsync(host)));
        await WriteAsync("g--a");
        await Task.WhenAll(readers.Select(reader => reader.Done));
        (await OpenAsync(host)).ShouldBe(200);
        host.Megabytes().ShouldBeLessThan(MegabytesMax);
        foreach (var reader in readers) await reader.Events.DisposeAsync();
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_200_clients_that_never_read()
    {
        var host = await _rig.StartHostAsync("h", ("ReplicaHost__Streams__WriteTimeout", "00:01:00"));
        await StickAsync(host, 200);
        await WriteAsync("h--a");
        await _rig.SameAsync(host, "c", "h--a");
        (await OpenAsync(host)).ShouldBe(200);
        var clock = Stopwatch.StartNew();
        (await host.Process.TerminateAsync()).ShouldBe(0, host.Process.Output);
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2) + ProcessEnd);
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_dropped_after_its_deadline()
    {
        var host = await _rig.StartHostAsync("d", ("ReplicaHost__Streams__WriteTimeout", "00:00:01"));
        await StickAsync(host, 50);
        await WriteAsync("d--a");
        await host.Process.WaitUntilAsync(async () => await OpenAsync(host) == 0, "drop who does not read");
        (await host.JsonAsync("/v1/status")).GetProperty("streams").GetProperty("slow_dropped").GetInt64().ShouldBe(50);
    }

    private async Task StickAsync(HostProcess host, int clients)
    {
        var group = host.Group;
        for (var index = 0; index < clients; index++)
        {
            // A small window, so that a client is stuck after little.
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            {
                ReceiveBufferSize = 4096,
            };
            _sockets.Add(socket);
            await socket.ConnectAsync(IPAddress.Loopback, host.Port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"GET /v1/stream?group={group} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
        }
        await host.Process.WaitUntilAsync(async () => await OpenAsync(host) == clients, "take all clients");
    }

    private static async Task<(EventReader Events, Task Done)> ReadAllAsync(HostProcess host)
    {
        var events = await EventReader.OpenAsync(host.Http, $"/v1/stream?group={host.Group}");
        await events.SnapshotAsync();
        return (events, UntilLastAsync(events));
    }

    private static async Task UntilLastAsync(EventReader events)
    {
        while (await events.NextAsync() is { } next)
            if (next.Name == "put" && next.Data.GetProperty("key").GetString() == "last") return;
        throw new InvalidOperationException("The stream ended before the last change.");
    }

    // More than the sockets of a client that does not read can take.
    private async Task WriteAsync(string vault)
    {
        var large = new string('x', 100_000);
        for (var round = 0; round < Rounds; round++)
            await _rig.PutAsync(vault, "c", $"k{round}", $$"""{"x":"{{large}}"}""");
        await _rig.PutAsync(vault, "c", "last", "{}");
    }

    private static async Task<long> OpenAsync(HostProcess host) =>
        (await host.JsonAsync("/v1/status")).GetProperty("streams").GetProperty("open").GetInt64();
}

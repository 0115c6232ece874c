using System.Net;
using System.Net.Sockets;
using Shouldly;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Integration.Tests.Nats;

public sealed class NatsServerTests
{
    [Fact]
    public async Task The_server_starts_is_killed_and_comes_back_on_its_port()
    {
        await using var server = await NatsServer.StartAsync("max_payload: 64KB");
        (await CanConnectAsync(server.Port)).ShouldBeTrue();
        var pid = server.Pid;

        await server.KillAsync();
        (await CanConnectAsync(server.Port)).ShouldBeFalse();

        await server.StartAgainAsync();
        (await CanConnectAsync(server.Port)).ShouldBeTrue();
        server.Pid.ShouldNotBe(pid);
        server.Pause();
        server.Resume();
        await server.ReloadAsync("max_payload: 32KB");
        await server.StopAsync();
        server.IsRunning.ShouldBeFalse();
    }

    [Fact]
    public async Task A_wrong_configuration_fails_with_what_the_server_said()
    {
        var error = await Should.ThrowAsync<InvalidOperationException>(() => NatsServer.StartAsync("no_such_field: 1"));
        error.Message.ShouldContain("no_such_field");
    }

    private static async Task<bool> CanConnectAsync(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

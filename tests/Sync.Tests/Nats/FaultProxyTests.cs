using System.Net;
using System.Net.Sockets;
using System.Text;
using Shouldly;
using Sync.Testing.Faults;
using Xunit;

namespace Sync.Tests.Nats;

/// <summary>The fault proxy does what its faults say: a proxy that injects nothing would make every fault test
/// vacuous.</summary>
public sealed class FaultProxyTests : IAsyncDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly TcpListener _server = new(IPAddress.Loopback, 0);
    private readonly FaultProxy _proxy;

    public FaultProxyTests()
    {
        _server.Start();
        _proxy = FaultProxy.Start(((IPEndPoint)_server.LocalEndpoint).Port);
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        _server.Dispose();
    }

    [Fact]
    public async Task Bytes_pass_both_ways_unchanged()
    {
        var (client, server) = await ConnectAsync();
        await client.SendAsync("to the server"u8.ToArray());
        (await ReadAsync(server, 13)).ShouldBe("to the server");
        await server.SendAsync("to the client"u8.ToArray());
        (await ReadAsync(client, 13)).ShouldBe("to the client");
        _proxy.ToServer.Bytes.ShouldBe(13);
    }

    [Fact]
    public async Task Cut_ends_both_sides()
    {
        var (client, server) = await ConnectAsync();
        _proxy.Cut();
        (await EndsAsync(client)).ShouldBeTrue();
        (await EndsAsync(server)).ShouldBeTrue();
    }

    [Fact]
    public async Task Cut_after_n_bytes_passes_exactly_n()
    {
        var (client, server) = await ConnectAsync();
        _proxy.ToServer.CutAfter(5);
        await client.SendAsync("0123456789"u8.ToArray());
        (await ReadAllAsync(server)).Length.ShouldBeLessThanOrEqualTo(5);
        _proxy.ToServer.Bytes.ShouldBe(5);
        (await EndsAsync(client)).ShouldBeTrue();
    }

    [Fact]
    public async Task Cut_inside_a_frame_ends_behind_the_marker()
    {
        var (client, _) = await ConnectAsync();
        _proxy.ToServer.CutInside("PUB "u8, extraBytes: 2);
        await client.SendAsync("PING\r\nPUB subject 3\r\nabc\r\n"u8.ToArray());
        (await EndsAsync(client)).ShouldBeTrue();
        _proxy.ToServer.Bytes.ShouldBe("PING\r\nPUB su".Length);
    }

    [Fact]
    public async Task A_stall_holds_bytes_back_until_resumed_and_closes_nothing()
    {
        var (client, server) = await ConnectAsync();
        _proxy.ToServer.Stall();
        await client.SendAsync("held"u8.ToArray());
        await server.SendAsync("other way"u8.ToArray());
        (await ReadAsync(client, 9)).ShouldBe("other way");
        server.Available.ShouldBe(0);
        _proxy.ToServer.Resume();
        (await ReadAsync(server, 4)).ShouldBe("held");
    }

    [Fact]
    public async Task Refused_connections_fail_at_once_and_the_port_comes_back()
    {
        _proxy.Refuse();
        await Should.ThrowAsync<SocketException>(ConnectAsync);
        _proxy.Accept();
        await ConnectAsync();
    }

    [Fact]
    public async Task Slices_delay_and_rate_keep_the_bytes()
    {
        var (client, server) = await ConnectAsync();
        _proxy.ToServer.SliceBytes = 1;
        _proxy.ToServer.BytesPerSecond = 1000;
        _proxy.ToServer.Delay = TimeSpan.FromMilliseconds(1);
        var start = TimeProvider.System.GetTimestamp();
        await client.SendAsync("twenty bytes in all."u8.ToArray());
        (await ReadAsync(server, 20)).ShouldBe("twenty bytes in all.");
        TimeProvider.System.GetElapsedTime(start).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(35));
    }

    [Fact]
    public async Task A_hold_stands_at_its_marker_until_resumed()
    {
        var (client, server) = await ConnectAsync();
        var held = _proxy.ToServer.HoldAtAsync("PUB "u8, passBytes: 2);
        await client.SendAsync("PING\r\nPUB subject"u8.ToArray());
        await held.WaitAsync(Timeout);
        (await ReadAsync(server, 8)).ShouldBe("PING\r\nPU");
        _proxy.ToServer.Bytes.ShouldBe(8);
        _proxy.ToServer.Resume();
        (await ReadAsync(server, 9)).ShouldBe("B subject");
    }

    [Fact]
    public async Task A_forgotten_server_end_is_gone_and_the_client_is_not_told_until_the_cut()
    {
        var (client, server) = await ConnectAsync();
        await client.SendAsync("hello"u8.ToArray());
        (await ReadAsync(server, 5)).ShouldBe("hello");
        _proxy.ForgetServer();
        (await EndsAsync(server)).ShouldBeTrue();
        await client.SendAsync("anybody there?"u8.ToArray());
        await ConnectAsync();
        client.Poll(0, SelectMode.SelectRead).ShouldBeFalse();
        _proxy.Cut();
        (await EndsAsync(client)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_chance_of_one_cuts_at_the_first_piece()
    {
        var (client, server) = await ConnectAsync();
        _proxy.ToServer.CutChance = 1;
        await client.SendAsync("lost"u8.ToArray());
        (await EndsAsync(server)).ShouldBeTrue();
        _proxy.ToServer.Bytes.ShouldBe(0);
    }

    private async Task<(Socket Client, Socket Server)> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(IPAddress.Loopback, _proxy.Port);
        return (client, await _server.AcceptSocketAsync().WaitAsync(Timeout));
    }

    private static async Task<string> ReadAsync(Socket socket, int count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var got = await socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(Timeout);
            got.ShouldBeGreaterThan(0);
            read += got;
        }

        return Encoding.ASCII.GetString(bytes);
    }

    private static async Task<string> ReadAllAsync(Socket socket)
    {
        var text = new StringBuilder();
        var bytes = new byte[64];
        try
        {
            while (await socket.ReceiveAsync(bytes).WaitAsync(Timeout) is > 0 and var read)
                text.Append(Encoding.ASCII.GetString(bytes, 0, read));
        }
        catch (SocketException)
        {
            // A reset: the end as well.
        }

        return text.ToString();
    }

    private static async Task<bool> EndsAsync(Socket socket) => (await ReadAllAsync(socket)).Length == 0;
}

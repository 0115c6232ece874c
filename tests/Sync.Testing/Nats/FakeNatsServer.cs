using System.Net;
using System.Net.Sockets;

namespace Sync.Testing.Nats;

/// <summary>
/// A scripted NATS server: each test accepts a connection and says, byte by byte if need be, what the server does.
/// Waits fail after 30 s.
/// </summary>
public sealed class FakeNatsServer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<FakeNatsPeer> _peers = [];

    private FakeNatsServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
    }

    public int Port { get; }

    public string Url => $"nats://127.0.0.1:{Port}";

    public static FakeNatsServer Start() => new();

    /// <summary>The next connection, nothing said yet.</summary>
    public async Task<FakeNatsPeer> AcceptAsync()
    {
        var socket = await _listener.AcceptAsync().WaitAsync(FakeNatsPeer.Timeout);
        var peer = new FakeNatsPeer(socket, Port);
        lock (_peers)
            _peers.Add(peer);
        return peer;
    }

    /// <summary>The next connection, after the whole handshake (INFO, CONNECT, PING, PONG).</summary>
    public async Task<FakeNatsPeer> AcceptAndHandshakeAsync(string infoFields = "")
    {
        var peer = await AcceptAsync();
        await peer.HandshakeAsync(infoFields);
        return peer;
    }

    public ValueTask DisposeAsync()
    {
        _listener.Dispose();
        lock (_peers)
        {
            foreach (var peer in _peers)
                peer.Dispose();
        }

        return ValueTask.CompletedTask;
    }
}

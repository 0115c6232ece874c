using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Sync.ChaosTests.Faults;

/// <summary>Clients that ask for everything and never read: what comes for them fills the buffers of whoever sends it.</summary>
internal sealed class DeafClients : IDisposable
{
    private readonly List<Socket> _sockets = [];

    /// <summary>A subscriber of the broker to all envelopes.</summary>
    public Task SubscribeAsync(int natsPort) =>
        AskAsync(natsPort, "CONNECT {\"verbose\":false,\"name\":\"deaf\"}\r\nSUB synced.> 1\r\n");

    /// <summary>A reader of an event stream.</summary>
    public Task StreamAsync(Uri stream) => AskAsync(
        stream.Port, $"GET {stream.PathAndQuery} HTTP/1.1\r\nHost: {stream.Authority}\r\nAccept: text/event-stream\r\n\r\n");

    public void Dispose()
    {
        foreach (var socket in _sockets) socket.Dispose();
    }

    private async Task AskAsync(int port, string request)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        _sockets.Add(socket);
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request));
    }
}

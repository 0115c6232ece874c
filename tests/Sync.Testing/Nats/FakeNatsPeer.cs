using System.Net.Sockets;
using System.Text;

namespace Sync.Testing.Nats;

/// <summary>One client's connection as the scripted server sees it.</summary>
public sealed class FakeNatsPeer(Socket socket, int serverPort) : IDisposable
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>The client's CONNECT line, once the handshake is done.</summary>
    public string ConnectLine { get; private set; } = "";

    /// <summary>INFO line; <paramref name="fields"/> is JSON text that follows the usual fields, beginning with a
    /// comma.</summary>
    public string Info(string fields = "") =>
        $"INFO {{\"server_id\":\"FAKE\",\"version\":\"2.9.10\",\"host\":\"127.0.0.1\",\"port\":{serverPort}," +
        $"\"headers\":true,\"max_payload\":1048576,\"proto\":1{fields}}}\r\n";

    public async Task HandshakeAsync(string infoFields = "")
    {
        await SendAsync(Info(infoFields));
        ConnectLine = await ExpectAsync("CONNECT ");
        await ExpectAsync("PING");
        await SendAsync("PONG\r\n");
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await socket.SendAsync(bytes).AsTask().WaitAsync(Timeout)..];
    }

    /// <summary>Sends every byte on its own, each in a packet of its own as far as the system allows.</summary>
    public async Task SendByteByByteAsync(string text)
    {
        socket.NoDelay = true;
        foreach (var b in Encoding.UTF8.GetBytes(text))
            await socket.SendAsync(new[] { b });
    }

    public Task SendMessageAsync(string subject, string sid, string payload, string? reply = null)
    {
        var to = reply is null ? "" : reply + " ";
        return SendAsync($"MSG {subject} {sid} {to}{Encoding.UTF8.GetByteCount(payload)}\r\n{payload}\r\n");
    }

    /// <summary>The next line of the client, without its end; null at the end of the connection.</summary>
    public async Task<string?> ReadLineAsync()
    {
        while (true)
        {
            var line = _buffer.AsSpan(_start, _end - _start).IndexOf("\r\n"u8);
            if (line >= 0)
            {
                var text = Encoding.UTF8.GetString(_buffer, _start, line);
                _start += line + 2;
                return text;
            }

            if (!await FillAsync())
                return null;
        }
    }

    /// <summary>The next line, which has to begin with <paramref name="prefix"/>.</summary>
    public async Task<string> ExpectAsync(string prefix)
    {
        var line = await ReadLineAsync();
        if (line?.StartsWith(prefix, StringComparison.Ordinal) != true)
            throw new InvalidOperationException($"Expected '{prefix}', the client sent '{line ?? "the end"}'.");
        return line;
    }

    /// <summary>Answers the client's next PING, which has to be the next line.</summary>
    public async Task PongAsync()
    {
        await ExpectAsync("PING");
        await SendAsync("PONG\r\n");
    }

    /// <summary>True when the client closed the connection (reads and forgets what it still sent).</summary>
    public async Task<bool> IsClosedByClientAsync()
    {
        do
            _start = _end = 0;
        while (await FillAsync());
        return true;
    }

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();

    private async Task<bool> FillAsync()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        try
        {
            var read = await socket.ReceiveAsync(_buffer.AsMemory(_end)).AsTask().WaitAsync(Timeout);
            _end += read;
            return read > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

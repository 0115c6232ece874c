using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace Sync.Testing.Faults;

/// <summary>One proxied connection: two sockets, a pump each way. Closing is safe from any thread and
/// repeatable.</summary>
internal sealed class Link(Socket client) : IDisposable
{
    private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _cut = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _halfOpen;

    public async Task RunAsync(IPEndPoint upstream, FaultLane toServer, FaultLane toClient)
    {
        client.NoDelay = _server.NoDelay = true;
        await _server.ConnectAsync(upstream, _cut.Token);
        await Task.WhenAll(PumpToEndAsync(client, _server, toServer), PumpToEndAsync(_server, client, toClient));
        if (_halfOpen)
            await _closed.Task;
    }

    /// <summary>The server's end is gone, and nobody tells the client: nothing is read from it or sent to it any more.</summary>
    public void ForgetServer()
    {
        _halfOpen = true;
        _server.LingerState = new LingerOption(true, 0);
        _server.Dispose();
        _cut.Cancel();
    }

    public void Close(bool reset)
    {
        foreach (var socket in (Socket[])[client, _server])
        {
            try
            {
                if (reset)
                    socket.LingerState = new LingerOption(true, 0);
                else
                    socket.Shutdown(SocketShutdown.Both);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Already closed by the other pump.
            }

            socket.Dispose();
        }

        _cut.Cancel();
        _closed.TrySetResult();
    }

    public void Dispose()
    {
        Close(reset: true);
        _server.Dispose();
    }

    // A failed pump takes the other one with it: half a connection is only ever the effect of a stall.
    private async Task PumpToEndAsync(Socket from, Socket to, FaultLane lane)
    {
        try
        {
            await PumpAsync(from, to, lane);
        }
        catch (Exception) when (_halfOpen)
        {
            // The client's end stays as it is until the link is closed.
        }
        catch
        {
            Close(reset: true);
            throw;
        }
    }

    private async Task PumpAsync(Socket from, Socket to, FaultLane lane)
    {
        var buffer = new byte[64 * 1024];
        var filter = lane.Filter?.Invoke();
        var filtered = new ArrayBufferWriter<byte>();
        while (true)
        {
            await lane.WaitWhileStalledAsync(_cut.Token);
            var read = await from.ReceiveAsync(buffer, _cut.Token);
            // Also when the stall began during the read: nothing may pass from then on, not even the end.
            await lane.WaitWhileStalledAsync(_cut.Token);
            if (read == 0)
            {
                to.Shutdown(SocketShutdown.Send);
                return;
            }

            ReadOnlyMemory<byte> bytes = buffer.AsMemory(0, read);
            if (filter is not null)
            {
                filtered.ResetWrittenCount();
                filter.Pass(bytes.Span, filtered);
                bytes = filtered.WrittenMemory;
            }

            if (!await ForwardAsync(bytes, to, lane))
            {
                Close(reset: true);
                return;
            }
        }
    }

    private async Task<bool> ForwardAsync(ReadOnlyMemory<byte> bytes, Socket to, FaultLane lane)
    {
        while (bytes.Length > 0)
        {
            var size = lane.SliceBytes > 0 ? Math.Min(lane.SliceBytes, bytes.Length) : bytes.Length;
            await lane.PaceAsync(size, _cut.Token);
            var (pass, cut) = lane.Admit(bytes.Span[..size]);
            for (var sent = 0; sent < pass;)
                sent += await to.SendAsync(bytes[sent..pass], _cut.Token);
            lane.Passed(pass);
            if (cut)
                return false;
            bytes = bytes[pass..];
            if (pass < size)
                await lane.WaitWhileStalledAsync(_cut.Token);
        }

        return true;
    }
}

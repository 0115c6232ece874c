using System.Net;
using System.Net.Sockets;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>Carries connections to a port and cuts each after a random number of bytes of the answer, wherever that
/// is.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random;
    private readonly int _port;
    private Task _loop = Task.CompletedTask;
    private int _cuts;

    private CuttingProxy(int port, int seed) => (_port, _random) = (port, new Random(seed));

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public int Cuts => Volatile.Read(ref _cuts);

    public static Task<CuttingProxy> StartAsync(int port, int seed)
    {
        var proxy = new CuttingProxy(port, seed);
        proxy._listener.Start();
        proxy._loop = Task.Run(proxy.RunAsync);
        return Task.FromResult(proxy);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var carried = new List<Task>();
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_stop.Token);
                carried.Add(CarryAsync(near, _random.Next(1, 12_000)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(carried);
        }
    }

    private async Task CarryAsync(TcpClient near, int left)
    {
        using (near)
        using (var far = new TcpClient())
        {
            try
            {
                await far.ConnectAsync(IPAddress.Loopback, _port, _stop.Token);
                var asking = near.GetStream().CopyToAsync(far.GetStream(), _stop.Token);
                var buffer = new byte[512];
                while (left > 0)
                {
                    var length = await far.GetStream().ReadAsync(buffer.AsMemory(0, Math.Min(left, buffer.Length)), _stop.Token);
                    if (length == 0) return;
                    await near.GetStream().WriteAsync(buffer.AsMemory(0, length), _stop.Token);
                    left -= length;
                }
                Interlocked.Increment(ref _cuts);
                near.Client.LingerState = new LingerOption(true, 0);
                near.Close();
                far.Close();
                await asking;
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // One side has gone.
            }
        }
    }
}

using System.Net;
using System.Net.Sockets;
using Sync.Testing.Processes;

namespace Sync.Testing.Faults;

/// <summary>
/// A TCP proxy on loopback that injects network faults: cut now or after n bytes, stall (black hole) per direction,
/// half a frame, slices of n bytes, rate, delay, refusal. Needs no privileges. Faults of a direction are set on
/// <see cref="ToServer"/> and <see cref="ToClient"/>; they hold for present and future connections until healed.
/// </summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly HashSet<Link> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private IPEndPoint _upstream;
    private Socket? _listener;
    private int _accepted;
    private TaskCompletionSource _acceptedChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private FaultProxy(IPEndPoint upstream) => _upstream = upstream;

    /// <summary>Starts a proxy in front of a loopback port.</summary>
    public static FaultProxy Start(int upstreamPort)
    {
        var proxy = new FaultProxy(new IPEndPoint(IPAddress.Loopback, upstreamPort));
        proxy.Listen(Ports.Free());
        return proxy;
    }

    /// <summary>Port that clients connect to. Stays the same over <see cref="Refuse"/> and
    /// <see cref="Accept"/>.</summary>
    public int Port { get; private set; }

    public FaultLane ToServer { get; } = new();

    public FaultLane ToClient { get; } = new();

    /// <summary>Connections accepted since the start.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Connections open now.</summary>
    public int Open
    {
        get { lock (_gate) return _links.Count; }
    }

    /// <summary>Sends new connections to another port from now on.</summary>
    public void Retarget(int upstreamPort) => _upstream = new IPEndPoint(IPAddress.Loopback, upstreamPort);

    /// <summary>Cuts all connections now: by a reset (both sides see an error), or by an orderly close.</summary>
    public void Cut(bool reset = true)
    {
        Link[] links;
        lock (_gate)
            links = [.. _links];
        foreach (var link in links)
            link.Close(reset);
    }

    /// <summary>Half-open: the server's end of all present connections vanishes, and the clients are not told. New connections
    /// work. <see cref="Cut"/> ends what is left, as the first answer of a restarted machine would.</summary>
    public void ForgetServer()
    {
        Link[] links;
        lock (_gate)
            links = [.. _links];
        foreach (var link in links)
            link.ForgetServer();
    }

    /// <summary>New connections are refused at once (nobody listens). Present ones stay; <see cref="Cut"/> ends
    /// them.</summary>
    public void Refuse()
    {
        lock (_gate)
        {
            _listener?.Dispose();
            _listener = null;
        }
    }

    /// <summary>Ends <see cref="Refuse"/>.</summary>
    public void Accept()
    {
        lock (_gate)
        {
            if (_listener is null)
                Listen(Port);
        }
    }

    /// <summary>Heals both directions and accepts again.</summary>
    public void Heal()
    {
        ToServer.Heal();
        ToClient.Heal();
        Accept();
    }

    /// <summary>Completes when at least <paramref name="count"/> connections were accepted since the start.</summary>
    public async Task WaitForAcceptedAsync(int count, CancellationToken cancel = default)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_accepted >= count)
                    return;
                changed = _acceptedChanged.Task;
            }

            await changed.WaitAsync(TimeSpan.FromSeconds(30), cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Refuse();
        Cut();
        _stop.Dispose();
    }

    private void Listen(int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        _listener = listener;
        _ = AcceptLoopAsync(listener);
    }

    private async Task AcceptLoopAsync(Socket listener)
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptAsync(_stop.Token));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The listener was closed by Refuse or by the end of the proxy.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var link = new Link(client);
        lock (_gate)
        {
            _links.Add(link);
            _accepted++;
            _acceptedChanged.TrySetResult();
            _acceptedChanged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        try
        {
            await link.RunAsync(_upstream, ToServer, ToClient);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Cut, by a fault or by one of the two ends: the other one sees it through Close.
        }
        finally
        {
            lock (_gate)
                _links.Remove(link);
            link.Close(reset: true);
        }
    }
}

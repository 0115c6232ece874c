using Sync.Nats;
using Sync.Testing.Nats;

namespace Sync.Tests.Nats;

/// <summary>A scripted server per test; connections that retry quickly. Waits are bounded by 30 s.</summary>
public abstract class NatsFakeTestBase : IAsyncDisposable
{
    protected static readonly TimeSpan Bound = FakeNatsPeer.Timeout;

    private readonly List<NatsConnection> _connections = [];

    protected FakeNatsServer Server { get; } = FakeNatsServer.Start();

    protected NatsOpts Opts => new()
    {
        Url = Server.Url,
        ConnectTimeout = TimeSpan.FromSeconds(20),
        RequestTimeout = TimeSpan.FromSeconds(20),
        PublishTimeout = TimeSpan.FromSeconds(20),
        ReconnectWaitMin = TimeSpan.FromMilliseconds(1),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(20),
        ReconnectJitter = TimeSpan.FromMilliseconds(1),
    };

    public async ValueTask DisposeAsync()
    {
        // The scripted server answers no last flush: it goes first, so that closing does not wait for it.
        await Server.DisposeAsync();
        foreach (var connection in _connections)
            await connection.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected NatsConnection Create(NatsOpts? opts = null)
    {
        var connection = new NatsConnection(opts ?? Opts);
        _connections.Add(connection);
        return connection;
    }

    protected async Task<(NatsConnection Connection, FakeNatsPeer Peer)> ConnectAsync(NatsOpts? opts = null,
        string infoFields = "")
    {
        var connection = Create(opts);
        var connecting = connection.ConnectAsync().AsTask();
        var peer = await Server.AcceptAndHandshakeAsync(infoFields);
        await connecting.WaitAsync(Bound);
        return (connection, peer);
    }

    /// <summary>Completes with the arguments of the next event of the kind.</summary>
    protected static Task<T> NextAsync<T>(Action<EventHandler<T>> attach)
    {
        var raised = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        attach((_, e) => raised.TrySetResult(e));
        return raised.Task.WaitAsync(Bound);
    }

    /// <summary>Cuts the connection and waits until the client knows.</summary>
    protected static async Task CutAsync(NatsConnection connection, FakeNatsPeer peer)
    {
        var gone = NextAsync<NatsEventArgs>(h => connection.ConnectionDisconnected += h);
        peer.Reset();
        await gone;
    }

    protected static async Task<NatsMsg> FirstAsync(NatsChannelSubscription subscription)
    {
        using var bound = new CancellationTokenSource(Bound);
        await foreach (var message in subscription.ReadAllAsync(bound.Token))
            return message;
        throw new InvalidOperationException("The subscription ended.");
    }
}

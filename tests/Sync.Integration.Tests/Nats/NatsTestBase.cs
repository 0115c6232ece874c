using Sync.Nats;
using Sync.Testing.Nats;
using Xunit;

namespace Sync.Integration.Tests.Nats;

/// <summary>A real server per test, and connections that are closed with it. Waits are bounded by 30 s.</summary>
public abstract class NatsTestBase : IAsyncLifetime
{
    protected static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly List<NatsConnection> _connections = [];

    protected NatsServer Server { get; private set; } = null!;

    protected virtual string Config => "";

    public virtual async ValueTask InitializeAsync() => Server = await NatsServer.StartAsync(Config);

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
            await connection.DisposeAsync();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected NatsOpts Opts => new()
    {
        Url = Server.Url,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        RequestTimeout = TimeSpan.FromSeconds(20),
        PublishTimeout = TimeSpan.FromSeconds(20),
        ReconnectWaitMin = TimeSpan.FromMilliseconds(5),
        ReconnectWaitMax = TimeSpan.FromMilliseconds(50),
        ReconnectJitter = TimeSpan.FromMilliseconds(5),
    };

    protected NatsConnection Create(NatsOpts? opts = null)
    {
        var connection = new NatsConnection(opts ?? Opts);
        _connections.Add(connection);
        return connection;
    }

    protected async Task<NatsConnection> ConnectAsync(NatsOpts? opts = null)
    {
        var connection = Create(opts);
        await connection.ConnectAsync();
        return connection;
    }

    /// <summary>Completes when the connection has an epoch above the given one and is open.</summary>
    protected static async Task WaitForEpochAboveAsync(NatsConnection connection, long epoch)
    {
        var opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.ConnectionOpened += (_, e) =>
        {
            if (e.Epoch > epoch)
                opened.TrySetResult();
        };
        if (connection.Epoch > epoch)
            await connection.WaitUntilOpenAsync().AsTask().WaitAsync(Bound);
        else
            await opened.Task.WaitAsync(Bound);
    }

    protected static async Task<List<NatsMsg>> TakeAsync(NatsChannelSubscription subscription, int count)
    {
        using var bound = new CancellationTokenSource(Bound);
        var messages = new List<NatsMsg>();
        await foreach (var message in subscription.ReadAllAsync(bound.Token))
        {
            messages.Add(message);
            if (messages.Count == count)
                break;
        }

        return messages;
    }
}

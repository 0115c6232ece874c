using Microsoft.Extensions.Logging;

namespace Sync.Nats.Internal;

/// <summary>The parts of one connection and its observable state. The state fields have one writer, the connection loop
/// (server info also the read loop, never at the same time as the loop).</summary>
internal sealed class ConnectionCore
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NatsConnectionState _state;
    private long _epoch;
    private NatsServerInfo? _info;

    public ConnectionCore(NatsOpts opts)
    {
        Opts = opts;
        Log = opts.LoggerFactory.CreateLogger("Sync.Nats");
        Random = opts.Random ?? new Random();
        Counters = new Counters();
        Buffer = new SendBuffer(opts, Counters);
        Subscriptions = new SubscriptionTable(Buffer, opts.SubscriptionsMax);
        Pool = new ServerPool(opts, Random);
        Events = new EventPump(Counters, Log);
    }

    public NatsOpts Opts { get; }
    public ILogger Log { get; }
    public Random Random { get; }
    public Counters Counters { get; }
    public SendBuffer Buffer { get; }
    public SubscriptionTable Subscriptions { get; }
    public ServerPool Pool { get; }
    public EventPump Events { get; }
    public required Requests Requests { get; init; }

    /// <summary>Whose events are raised.</summary>
    public required NatsConnection Owner { get; init; }

    public long Epoch => Volatile.Read(ref _epoch);

    public NatsServerInfo? Info
    {
        get => Volatile.Read(ref _info);
        set
        {
            Volatile.Write(ref _info, value);
            MaxPayload = value?.MaxPayload ?? MaxPayload;
        }
    }

    /// <summary>Of the present server, or of the last one while there is none.</summary>
    public int MaxPayload { get; private set; } = 1024 * 1024;

    public NatsConnectionState State
    {
        get { lock (_gate) return _state; }
    }

    public long NextEpoch() => Interlocked.Increment(ref _epoch);

    public void SetState(NatsConnectionState state, NatsException? reason = null)
    {
        lock (_gate)
        {
            _state = state;
            if (state == NatsConnectionState.Open)
                _open.TrySetResult();
            else if (reason is not null && _open.TrySetException(reason))
                _ = _open.Task.Exception;
            else if (_open.Task.IsCompleted)
                _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public Task WaitUntilOpenAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            return _open.Task.WaitAsync(cancellationToken);
    }

    /// <summary>No connection will come any more: everybody who waits learns why.</summary>
    public void Close(NatsConnectionState state, NatsException reason)
    {
        Buffer.Detach(reason, forGood: true);
        Requests.FailAll(reason);
        Subscriptions.CloseAll(reason);
        SetState(state, reason);
    }
}

using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Ledger;
using Sync.Ledger.Postgres;
using Sync.Transport;
using Sync.Writer.Access;
using Sync.Writer.Bus;

namespace Sync.Writer.Engine;

/// <summary>Brings up what the doors need, in the background and with patience: a database or broker that is away is
/// waited for, a wrong setting ends the process. And brings it down in the reverse order.
/// <para>Only the start-up loop writes the fields, each once; doors read them at any time and find null until
/// then.</para></summary>
internal sealed class WriterEngine(
    WriterSettings settings, WriterParts parts, TimeProvider time, IIdSource ids, Random random, ProcessEnd end,
    AccessGuard guard, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(2);

    private readonly ILogger<WriterEngine> _logger = loggers.CreateLogger<WriterEngine>();
    private readonly CancellationTokenSource _stop = new();
    private readonly long _startedAt = time.GetTimestamp();
    private volatile BusLink? _link;
    private volatile ILedgerStore? _store;
    private volatile Changefeed? _changefeed;
    private volatile TokenFollower? _tokens;
    private volatile LedgerNode? _node;
    private volatile BusDoor? _door;
    private Task _starting = Task.CompletedTask;
    private int _isDisposed;

    /// <summary>Since this process took up its work.</summary>
    public TimeSpan Uptime => time.GetElapsedTime(_startedAt);

    public string Owner => settings.Ledger.Owner;

    /// <summary>For requests.</summary>
    /// <exception cref="SyncException">Not open yet.</exception>
    public IBus Bus => _link?.Bus ?? throw NotOpen();

    public bool IsBusConnected => _link?.Bus.IsConnected ?? false;

    /// <summary>Most bytes of a message on the bus; the usual limit until a broker said its own.</summary>
    public int MessageBytesMax => _link?.Bus.MaxPayload ?? 1 << 20;

    /// <summary>For reads.</summary>
    /// <exception cref="SyncException">Not open yet.</exception>
    public ILedgerStore Store => _store ?? throw NotOpen();

    /// <summary>For those who follow.</summary>
    /// <exception cref="SyncException">Not open yet.</exception>
    public Changefeed Changefeed => _changefeed ?? throw NotOpen();

    /// <summary>For writes.</summary>
    /// <exception cref="SyncException">Not open yet.</exception>
    public LedgerNode Node => _node ?? throw NotOpen();

    /// <summary>For writes; null until the ledger is open.</summary>
    public LedgerNode? NodeIfOpen => _node;

    public bool Owns(FeedId feed) => _node?.Owns(feed) ?? false;

    /// <summary>How far a feed is published as its owner in this process knows; the start when it is
    /// another's.</summary>
    public Position ConfirmedHere(FeedId feed) =>
        _node?.Owned().FirstOrDefault(owned => owned.Feed == feed).Confirmed ?? Position.Start;

    /// <summary>Makes the door on the bus once the ledger is there; set by the host.</summary>
    public Func<BusDoor>? MakeDoor { get; set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(BringUpAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        WriterLog.Stopping(_logger, Owner);
        await _stop.CancelAsync();
        await TryAsync("starting", () => _starting);
        // The door first: what it took is finished by the node, which then publishes and gives its leases back.
        if (_door is { } door) await TryAsync("the bus door", () => door.DisposeAsync().AsTask());
        if (_node is { } node) await TryAsync("the ledger node", () => node.StopAsync());
        WriterLog.Stopped(_logger, Owner);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        if (_node is { } node) await node.DisposeAsync();
        if (_tokens is { } tokens) await tokens.DisposeAsync();
        if (_changefeed is { } changefeed) await changefeed.DisposeAsync();
        if (_store is { } store && parts.Store is null) await store.DisposeAsync();
        if (_link is { } link) await link.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Database and leases decide whether requests can be served; the broker only delays what was
    /// committed.</summary>
    public async Task<IReadOnlyList<HealthCheckLine>> HealthAsync(CancellationToken cancellation)
    {
        HealthCheckLine[] doors = AccessServices.HealthOf(guard) is { } access ? [BrokerLine(), access] : [BrokerLine()];
        if (_store is not { } store || _node is null)
            return [new("database", HealthState.Failing, "not opened yet"), .. doors];
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(HealthTimeout);
            var feeds = await store.StatusAsync(limit.Token);
            return [new("database", HealthState.Ready, null), .. doors, LeaseLine(feeds)];
        }
        catch (Exception error) when (error is SyncException or OperationCanceledException)
        {
            return [new("database", HealthState.Failing, "does not answer"), .. doors];
        }
    }

    private HealthCheckLine BrokerLine()
    {
        if (!IsBusConnected)
            return new("broker", HealthState.Degraded, "not connected: publishing waits, forwarding does not work");
        return _door is { IsServing: true }
            ? new("broker", HealthState.Ready, null)
            : new("broker", HealthState.Degraded, "requests on the bus are not answered yet");
    }

    private static HealthCheckLine LeaseLine(IReadOnlyList<FeedStatus> feeds)
    {
        var without = feeds.Count(feed => feed.Owner is null || feed.LeaseLeft <= TimeSpan.Zero);
        if (without == 0) return new("lease", HealthState.Ready, null);
        return new(
            "lease", without == feeds.Count ? HealthState.Failing : HealthState.Degraded,
            $"{without} of {feeds.Count} feeds have no owner now");
    }

    private async Task BringUpAsync()
    {
        try
        {
            _link = await BusLink.OpenAsync(settings.Bus, parts, time, loggers, _stop.Token);
            await RepeatAsync(OpenStoreAsync);
            var store = _store!;
            WriterLog.LedgerOpened(_logger, Owner, store.Info.Substrate, store.Info.Feeds, store.Info.History.Value);
            FollowTokens(store, _link!.Transport);
            _changefeed = new Changefeed(
                store, _link.Transport, settings.Changefeed, time, loggers.CreateLogger<Changefeed>());
            var node = new LedgerNode(store, _link.Transport, settings.Ledger, time, ids,
                loggers.CreateLogger<LedgerNode>(), changefeed: _changefeed);
            _node = node;
            _door = MakeDoor?.Invoke();
            await RepeatAsync(() => node.StartAsync(_stop.Token));
            if (_door is { } door) await door.RunAsync(node, _stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (StartupException refusal)
        {
            end.Stop(refusal);
        }
        catch (SyncException error) when (!error.IsTransient)
        {
            end.Stop(new StartupException(ExitCodes.Configuration, error.Message, error));
        }
        catch (Exception error)
        {
            WriterLog.StopFailed(_logger, error, "starting");
            end.Stop(new StartupException(ExitCodes.Software,
                "The writer could not start; the entry before says why.", error));
        }
    }

    private void FollowTokens(ILedgerStore store, ITransport transport)
    {
        if (guard.IsOpen) return;
        var tokens = new TokenFollower(
            guard, new LedgerTokens(store), transport, settings.Access.Following, time,
            loggers.CreateLogger<TokenFollower>());
        _tokens = tokens;
        tokens.Start();
    }

    private async Task OpenStoreAsync()
    {
        if (parts.Store is not null) _store = parts.Store;
        else if (settings.Substrate.IsPostgres)
            _store = await PostgresLedgerStore.OpenAsync(settings.Postgres, _stop.Token);
        else _store = new MemoryLedgerStore(time, new MemoryLedgerOptions { Feeds = settings.Substrate.MemoryFeeds });
    }

    private async Task RepeatAsync(Func<Task> step)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5), random);
        while (true)
        {
            try
            {
                await step();
                return;
            }
            catch (SyncException error) when (error is { Code: SyncErrorCode.LedgerUnavailable, IsTransient: true })
            {
                var wait = backoff.Next();
                WriterLog.LedgerWaiting(_logger, backoff.Attempt, wait, error.Message);
                await Task.Delay(wait, time, _stop.Token);
            }
        }
    }

    private async Task TryAsync(string what, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception error)
        {
            WriterLog.StopFailed(_logger, error, what);
        }
    }

    private SyncException NotOpen() =>
        _stop.IsCancellationRequested
            ? new SyncException(SyncErrorCode.Stopped, "The writer is stopping.", true)
            : new SyncException(SyncErrorCode.LedgerUnavailable, "The ledger is not open yet.", true);
}

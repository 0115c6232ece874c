using Sync.Access;
using Sync.Client;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.ReplicaHost.Engine;

/// <summary>Brings up what is followed, in the background and with patience: a broker or writer that is away is waited
/// for, a wrong setting ends the process. And brings it down in the reverse order.
/// <para>Only the start-up loop writes the fields, each once.</para></summary>
internal sealed class ReplicaEngine(
    ReplicaHostSettings settings, ReplicaHostParts parts, FollowedScopes scopes, TimeProvider time, Random random,
    AccessGuard guard, ProcessEnd end, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private readonly ILogger<ReplicaEngine> _logger = loggers.CreateLogger<ReplicaEngine>();
    private readonly CancellationTokenSource _stop = new();
    private volatile IBus? _bus;
    private volatile ITransport? _transport;
    private volatile ReplicaHub? _hub;
    private volatile TokenFollower? _tokens;
    private Task _starting = Task.CompletedTask;
    private int _isDisposed;

    public bool IsBusConnected => _bus?.IsConnected ?? false;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(BringUpAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        ReplicaHostLog.Stopping(_logger);
        await _stop.CancelAsync();
        await _starting;
        if (_hub is { } hub) await TryAsync("the replicas", hub);
        if (_tokens is { } tokens) await TryAsync("the tokens", tokens);
        ReplicaHostLog.Stopped(_logger);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        if (parts.Transport is null && _transport is { } transport) await TryAsync("the transport", transport);
        if (parts.Bus is null && _bus is { } bus) await TryAsync("the bus", bus);
        _stop.Dispose();
    }

    /// <summary>A scope that was never loaded cannot be served; without a broker what is held is served, and grows
    /// old.</summary>
    public IReadOnlyList<HealthCheckLine> Health() =>
    [
        new("broker", IsBusConnected ? HealthState.Ready : HealthState.Degraded,
            IsBusConnected ? null : "not connected: what is held grows old"),
        .. AccessServices.HealthOf(guard) is { } access ? [access] : Array.Empty<HealthCheckLine>(),
        .. scopes.All.Select(followed => new HealthCheckLine(followed.Scope.ToString(), followed.Status switch
        {
            CollectionStatus.Loading or CollectionStatus.Full => HealthState.Failing,
            CollectionStatus.Stale => HealthState.Degraded,
            _ => HealthState.Ready,
        }, DetailOf(followed.Status))),
    ];

    private static string? DetailOf(CollectionStatus status) => status switch
    {
        CollectionStatus.Loading => "not loaded yet",
        CollectionStatus.Full => "more records than Sync:ReplicaHost:RecordsMax: what is held is a part",
        CollectionStatus.Stale => "the writer does not answer",
        CollectionStatus.Skew => "the newest value of some keys is refused",
        _ => null,
    };

    private async Task BringUpAsync()
    {
        try
        {
            var bus = _bus = parts.Bus ?? await SyncBus.ConnectAsync(settings.Bus, loggers, time, _stop.Token);
            var transport = _transport = parts.Transport ?? new NatsTransport(
                bus, EnvelopeCodec.Default, null, null, time, loggers.CreateLogger<NatsTransport>());
            var (envelopes, pages) = (
                new BusEnvelopeSource(bus, Subjects.Default, settings.Host.RequestTimeout),
                new BusCollectionSource(bus, Subjects.Default, settings.Host.RequestTimeout));
            if (!guard.IsOpen)
            {
                _tokens = new TokenFollower(
                    guard, pages, transport, settings.Access.Following, time, loggers.CreateLogger<TokenFollower>());
                _tokens.Start();
            }
            // Subscribing needs a broker that confirms; from then on the replicas heal themselves.
            _hub = await PatientAsync("What the settings name", () => ReplicaHub.StartAsync(
                transport, envelopes, pages: pages, time: time, log: loggers.CreateLogger<ReplicaHub>(),
                cancellation: _stop.Token));
            await Task.WhenAll(scopes.All.Select(FollowAsync));
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (SyncException error) when (!error.IsTransient)
        {
            end.Stop(new StartupException(ExitCodes.Configuration, error.Message, error));
        }
        catch (Exception error)
        {
            ReplicaHostLog.StartFailed(_logger, error);
            end.Stop(new StartupException(ExitCodes.Software,
                "The replica host could not start; the entry before says why.", error));
        }
    }

    private async Task FollowAsync(Followed followed)
    {
        var options = new CollectionReplicaOptions<ReadOnlyMemory<byte>>
        {
            Scope = followed.Scope,
            Schema = SyncSchema.Document,
            ChangesKept = settings.Host.ChangesKept,
            RequestTimeout = settings.Host.RequestTimeout,
            Rules = new CollectionRules
            {
                RecordsMax = settings.Host.RecordsMax,
                SkewsListedMax = settings.Host.SkewsListedMax,
            },
        };
        followed.Held = await PatientAsync(
            followed.Scope.ToString(), () => _hub!.OpenCollectionAsync(options, _stop.Token));
        ReplicaHostLog.Following(_logger, followed.Scope.ToString());
    }

    private async Task<T> PatientAsync<T>(string what, Func<Task<T>> step)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5), random);
        while (true)
        {
            try
            {
                return await step();
            }
            catch (SyncException error) when (error.IsTransient)
            {
                var wait = backoff.Next();
                ReplicaHostLog.FollowWaiting(_logger, what, backoff.Attempt, wait, error.Message);
                await Task.Delay(wait, time, _stop.Token);
            }
        }
    }

    private async Task TryAsync(string what, IAsyncDisposable one)
    {
        try
        {
            await one.DisposeAsync();
        }
        catch (Exception error)
        {
            ReplicaHostLog.StopFailed(_logger, error, what);
        }
    }
}

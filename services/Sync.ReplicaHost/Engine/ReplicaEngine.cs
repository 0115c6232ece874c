using Sync.Client;
using Sync.Contracts;
using Sync.Hosting;
using Sync.MessagePack;
using Sync.Replication;
using Sync.Transport;

namespace Sync.ReplicaHost.Engine;

/// <summary>Brings up what is followed, in the background and with patience: a broker or writer that is away is waited for, a
/// wrong setting ends the process. And brings it down in the reverse order.
/// <para>Only the start-up loop writes the fields, each once.</para></summary>
internal sealed class ReplicaEngine(
    ReplicaHostSettings settings, ReplicaHostParts parts, FollowedScopes scopes, TimeProvider time, Random random,
    ProcessEnd end, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private readonly ILogger<ReplicaEngine> _logger = loggers.CreateLogger<ReplicaEngine>();
    private readonly CancellationTokenSource _stop = new();
    private volatile IBus? _bus;
    private volatile ITransport? _transport;
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
        foreach (var followed in scopes.All)
            if (followed.Held is { } held) await TryAsync(followed.Scope.ToString(), held);
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
            var (source, envelopes) = (
                new BusCollectionSource(bus, Subjects.Default, settings.Host.RequestTimeout),
                new BusEnvelopeSource(bus, Subjects.Default, settings.Host.RequestTimeout));
            await Task.WhenAll(scopes.All.Select(followed => FollowAsync(followed, transport, source, envelopes)));
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

    // Subscribing needs a broker that confirms; from then on the replica heals itself.
    private async Task FollowAsync(
        Followed followed, ITransport transport, ICollectionSource source, IEnvelopeSource envelopes)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(250), TimeSpan.FromSeconds(5), random);
        while (true)
        {
            try
            {
                var with = new HeldScopeParts(followed, transport, source, envelopes, time, random, loggers);
                followed.Held = await HeldScope.OpenAsync(with, settings.Host, _stop.Token);
                ReplicaHostLog.Following(_logger, followed.Scope.ToString());
                return;
            }
            catch (SyncException error) when (error.IsTransient)
            {
                var wait = backoff.Next();
                ReplicaHostLog.FollowWaiting(
                    _logger, followed.Scope.ToString(), backoff.Attempt, wait, error.Message);
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

using Sync.Access;
using Sync.Client;
using Sync.Client.Changefeeds;
using Sync.Contracts;
using Sync.Hosting;
using Sync.Http.Access;
using Sync.Lobby.Insights;
using Sync.Transport;

namespace Sync.InsightHost.Engine;

/// <summary>Brings up bus, client and a runner for each group, and brings them down in the reverse order. A broker or
/// writer that is away is waited for.
/// <para>Only the start writes the fields, once; routes find null until then.</para></summary>
internal sealed class InsightEngine(
    InsightHostSettings settings, InsightHostParts parts, MassTransit.IBus queue, AccessGuard guard, TimeProvider time, ProcessEnd end,
    ILoggerFactory loggers)
    : IHostedService, IAsyncDisposable
{
    private readonly ILogger<InsightEngine> _logger = loggers.CreateLogger<InsightEngine>();
    private readonly CancellationTokenSource _stop = new();
    private volatile EngineState? _state;
    private Sync.Transport.IBus? _bus;
    private SyncClient? _client;
    private ChangefeedClient? _changefeed;
    private volatile TokenFollower? _tokens;
    private Task _starting = Task.CompletedTask;
    private int _isDisposed;

    /// <summary>The groups and their runners.</summary>
    /// <exception cref="SyncException">Not up yet; transient.</exception>
    public IReadOnlyList<FollowedGroup> Groups => (_state ?? throw NotUp()).Groups;

    /// <summary>The writers.</summary>
    /// <exception cref="SyncException">Not up yet; transient.</exception>
    public WriterApi Writer => (_state ?? throw NotUp()).Writer;

    public bool IsBusConnected => _state?.Bus.IsConnected ?? false;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _starting = Task.Run(BringUpAsync, CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var group in _state?.Groups ?? []) await group.Runner.DisposeAsync();
        if (_tokens is { } tokens) await tokens.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _changefeed?.Dispose();
        if (_client is not null) await _client.DisposeAsync();
        if (_bus is not null && parts.Bus is null) await _bus.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Carries one request of the queue out.</summary>
    public async Task DeriveAsync(string group, DeriveShard message, CancellationToken cancellation)
    {
        // A request is sent by a runner that may be known here a moment later only.
        if (_state is null) await _starting.WaitAsync(cancellation);
        if (_state?.Groups.FirstOrDefault(one => one.Group.Name == group) is { } followed)
            await followed.Runner.DeriveAsync(message, cancellation);
    }

    /// <summary>Answers come at any time; that summaries are late is a state, not a failure.</summary>
    public IReadOnlyList<HealthCheckLine> Health()
    {
        if (_state is not { } state) return [new("insights", HealthState.Failing, "not started yet")];
        var lines = new List<HealthCheckLine>
        {
            new("broker", IsBusConnected ? HealthState.Ready : HealthState.Degraded,
                IsBusConnected ? null : "not connected: shards cannot be read"),
        };
        if (AccessServices.HealthOf(guard) is { } access) lines.Add(access);
        foreach (var (group, runner) in state.Groups)
        {
            var status = runner.Status();
            var detail = status.Trouble ?? (status.DeadLetters > 0 ? $"{status.DeadLetters} dead letters" : null);
            lines.Add(new("group " + group.Name, detail is null ? HealthState.Ready : HealthState.Degraded, detail));
        }
        return lines;
    }

    private async Task BringUpAsync()
    {
        try
        {
            _bus = parts.Bus ?? await SyncBus.ConnectAsync(settings.Bus, loggers, time, _stop.Token);
            _client = new SyncClient(settings.Client, _bus, logs: loggers, time: time);
            var source = new BusCollectionSource(_bus, Subjects.Default, settings.Host.RequestTimeout);
            if (!guard.IsOpen)
            {
                // Operators ask here, and rarely: reading at its pace does, so no subscription.
                _tokens = new TokenFollower(
                    guard, source, transport: null, settings.Access.Following, time, loggers.CreateLogger<TokenFollower>());
                _tokens.Start();
            }
            var changefeed = parts.Changefeed ?? (_changefeed = new ChangefeedClient(
                settings.Client, loggers.CreateLogger<ChangefeedClient>(), time));
            var log = loggers.CreateLogger("Sync.Lobby.Insights");
            var groups = settings.Groups(source, new WriterSummaryStore(_client), time, log);
            _state = new EngineState(_bus, _client.Writer, [.. groups.Select(group =>
                new FollowedGroup(group, group.Follow(changefeed, new MassTransitQueue(queue, group.Name))))]);
            InsightHostLog.Following(_logger, groups.Count, settings.Host.Derivations.Count);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (SyncException error)
        {
            end.Stop(new StartupException(ExitCodes.Configuration, error.Message, error));
        }
        catch (Exception error)
        {
            InsightHostLog.StartFailed(_logger, error);
            end.Stop(new StartupException(ExitCodes.Software, "The Insight host could not start; the entry before says why.", error));
        }
    }

    private SyncException NotUp() => _stop.IsCancellationRequested
        ? new SyncException(SyncErrorCode.Stopped, "The Insight host is stopping.", true)
        : new SyncException(SyncErrorCode.BusUnavailable, "The Insight host is not started yet.", true);

    private sealed record EngineState(Sync.Transport.IBus Bus, WriterApi Writer, IReadOnlyList<FollowedGroup> Groups);
}

/// <summary>A group and what follows it.</summary>
internal sealed record FollowedGroup(InsightGroup Group, InsightRunner Runner);

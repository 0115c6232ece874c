using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sync.Cli.Up.Sample;
using Sync.Hosting;
using Sync.InsightHost;
using Sync.Ledger;
using Sync.Lobby.Insights;
using Sync.ReplicaHost;
using Sync.ReplicaHost.Engine;
using Sync.Transport;
using Sync.Writer;
using Sync.Writer.Engine;

namespace Sync.Cli.Up;

/// <summary>The services of the box: each the application that also runs as a process of its own, on one memory ledger, one bus
/// and one transport.</summary>
internal sealed class Box(BoxOptions options, TimeProvider time) : IAsyncDisposable
{
    // Nothing of the box outlives it, so an end waits for nobody longer than this.
    private static readonly TimeSpan StopMax = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(20);

    /// <summary>Where summaries are kept.</summary>
    public const string InsightVault = "insight";

    private readonly MemoryLedgerStore _store = new(time);
    private readonly InProcessBus _bus = new();
    private readonly InProcessTransport _transport = new();
    private readonly StatusRelay _relay = new(options, time);
    private readonly CancellationTokenSource _ending = new();
    private readonly List<WebApplication> _services = [];

    /// <summary>Cancelled when a service ends, by a signal or by itself.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>True when a service ended by itself; it logged why.</summary>
    public bool IsBroken => _services.Any(service => service.Services.GetService<ProcessEnd>() is { ExitCode: not ExitCodes.Ok });

    /// <summary>Starts all and returns when each is ready.</summary>
    /// <exception cref="StartupException">A service cannot start.</exception>
    public async Task StartAsync(CancellationToken stop)
    {
        _services.AddRange([BuildWriter(), BuildReplicaHost(), BuildInsightHost()]);
        foreach (var service in _services) service.Lifetime.ApplicationStopping.Register(_ending.Cancel);
        await Task.WhenAll(_services.Select(service => service.StartAsync(stop)));
        await ReadyAsync(stop);
    }

    /// <summary>Stops all at once.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(StopMax, time);
        var stopping = _services.Select(async service =>
        {
            await service.StopAsync(limit.Token);
            await service.DisposeAsync();
        });
        await Task.WhenAll(stopping).WaitAsync(StopMax, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _bus.DisposeAsync();
        await _transport.DisposeAsync();
        await _store.DisposeAsync();
        _relay.Dispose();
        _ending.Dispose();
    }

    private WebApplication BuildWriter() => WriterHost.Build(
        [
            .. Quiet,
            "--Sync:Access:Open=true",
            $"--{WriterHost.UrlsSetting}={BoxOptions.Url(options.WriterPort)}",
            "--Sync:Writer:StopTimeout=00:00:01",
            // One writer: nobody else competes for feeds.
            "--Sync:Ledger:AcquireEvery=00:00:00.050",
            "--Sync:Ledger:AcquireStagger=00:00:00",
            "--Sync:Ledger:DrainTimeout=00:00:00.500",
        ],
        new WriterParts { Store = _store, Bus = _bus, Transport = _transport });

    private WebApplication BuildReplicaHost()
    {
        var host = ReplicaHostApp.Build(
            [
                .. Quiet,
                "--Sync:Access:Open=true",
                $"--{ReplicaHostApp.UrlsSetting}={BoxOptions.Url(options.ReplicaPort)}",
                "--Sync:ReplicaHost:StopTimeout=00:00:01",
                $"--Sync:ReplicaHost:Follow:0:Group={SampleShops.Group}",
                $"--Sync:ReplicaHost:Follow:1:Vault={InsightVault}",
            ],
            new ReplicaHostParts { Bus = _bus, Transport = _transport });
        BoxPage.Map(host, _relay);
        return host;
    }

    private WebApplication BuildInsightHost() => InsightHostApp.Build(
        [
            .. Quiet,
            "--Sync:Access:Open=true",
            $"--{InsightHostApp.UrlsSetting}={BoxOptions.Url(options.InsightPort)}",
            $"--Sync:InsightHost:WriterUrls:0={BoxOptions.Url(options.WriterPort)}",
            "--Sync:InsightHost:StopTimeout=00:00:01",
            .. Totals(0, "orders-by-status", "status"),
            .. Totals(1, "order-value", "amount_cents"),
        ],
        new InsightHostParts { Bus = _bus });

    private static IEnumerable<string> Totals(int number, string name, string field) =>
        new (string Key, string Value)[]
        {
            ("Name", name), ("Kind", SampleDerivations.Totals), ("Field", field), ("Group", SampleShops.Group),
            ("Collection", SampleShops.Orders), ("TargetVault", InsightVault), ("TargetCollection", name),
        }.Select(setting => $"--Sync:InsightHost:Derivations:{number}:{setting.Key}={setting.Value}");

    private static string[] Quiet => ["--Logging:LogLevel:Default=Warning"];

    private async Task ReadyAsync(CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(5) };
        foreach (var (name, port) in options.Services.Take(_services.Count))
        {
            var started = time.GetTimestamp();
            while (!await IsReadyAsync(http, $"{BoxOptions.Url(port)}/readyz", stop))
            {
                if (IsBroken) throw new StartupException(ExitCodes.Unavailable, $"the {name} ended while it started; the lines before say why");
                if (time.GetElapsedTime(started) > StartMax)
                    throw new StartupException(ExitCodes.Unavailable, $"the {name} was not ready within {StartMax.TotalSeconds:0} s; is this machine overloaded?");
                await Task.Delay(ReadyPoll, time, stop);
            }
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient http, string url, CancellationToken stop)
    {
        using var answer = await http.GetAsync(new Uri(url), stop);
        return answer.StatusCode == HttpStatusCode.OK;
    }
}

using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Sync.InsightHost;
using Sync.Integration.Tests.Writer;
using Sync.Ledger;
using Sync.ReplicaHost;
using Sync.ReplicaHost.Engine;
using Sync.Transport;
using Sync.Writer;
using Sync.Writer.Engine;
using Xunit;

namespace Sync.Integration.Tests.Hosting;

/// <summary>Each service takes as many connections as its setting allows: the next are closed, none is kept waiting, and
/// who was there is served on; when some end, others are served.</summary>
public sealed class ConnectionCapTests : IAsyncLifetime
{
    private const int ConnectionsMax = 8;
    private const int Crowd = 100;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");

    private readonly InProcessBus _bus = new();
    private readonly InProcessTransport _transport = new();
    private readonly List<Socket> _sockets = [];
    private WebApplication? _app;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var socket in _sockets) socket.Dispose();
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
        await _transport.DisposeAsync();
        await _bus.DisposeAsync();
    }

    [Theory]
    [InlineData("Writer")]
    [InlineData("ReplicaHost")]
    [InlineData("InsightHost")]
    public async Task Connections_over_the_cap_are_closed_and_served_when_others_ended(string service)
    {
        var port = await StartAsync(service, $"ConnectionsMax={ConnectionsMax}");
        using var open = new OpenConnections(port);
        var held = await Task.WhenAll(Enumerable.Range(0, ConnectionsMax).Select(_ => ConnectAsync(port)));
        foreach (var socket in held) (await AskAsync(socket)).ShouldStartWith("HTTP/1.1 200 ");

        for (var round = 0; round < Crowd / 10; round++)
        {
            var crowd = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => ConnectAsync(port)));
            (await Task.WhenAll(crowd.Select(AskAsync))).ShouldAllBe(answer => answer.Length == 0);
            // None is kept: what the server closes it has forgotten a moment later.
            await WriterUnderTest.UntilAsync(() => Task.FromResult(open.Now == ConnectionsMax));
        }
        open.Rejected.ShouldBe(Crowd);
        foreach (var socket in held) (await AskAsync(socket)).ShouldStartWith("HTTP/1.1 200 ");

        foreach (var socket in held) socket.Dispose();
        await WriterUnderTest.UntilAsync(() => Task.FromResult(open.Now == 0));
        var next = await Task.WhenAll(Enumerable.Range(0, ConnectionsMax).Select(_ => ConnectAsync(port)));
        foreach (var socket in next) (await AskAsync(socket)).ShouldStartWith("HTTP/1.1 200 ");
    }

    [Fact]
    public async Task Event_streams_of_a_writer_over_the_cap_are_refused_and_served_when_others_ended()
    {
        const string stream = "GET /v1/events?feed=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        var port = await StartAsync("Writer", "../Events:StreamsMax=2");
        using var http = new HttpClient();
        await WriterUnderTest.UntilAsync(async () =>
            (await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/readyz"))).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal));
        var held = await Task.WhenAll(ConnectAsync(port), ConnectAsync(port));
        foreach (var socket in held) (await AskAsync(socket, stream)).ShouldStartWith("HTTP/1.1 200 ");

        for (var index = 0; index < Crowd / 10; index++)
        {
            var refused = await AskAsync(await ConnectAsync(port), stream);
            refused.ShouldStartWith("HTTP/1.1 503 ");
            refused.ShouldContain("Retry-After: ");
        }

        held[0].Dispose();
        await WriterUnderTest.UntilAsync(async () =>
            (await AskAsync(await ConnectAsync(port), stream)).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Batches_over_the_cap_are_refused_and_served_when_others_ended()
    {
        const string batch = "POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3E\r\n{\"vault\":\"acme\",\"collection\":\"user\",\"key\":\"a\",\"value\":100000}\n\r\n";
        var port = await StartAsync("Writer", "BatchesMax=2");
        using var http = new HttpClient();
        await WriterUnderTest.UntilAsync(async () =>
            (await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/readyz"))).StartsWith("{\"status\":\"ready\"", StringComparison.Ordinal));
        var held = await Task.WhenAll(ConnectAsync(port), ConnectAsync(port));
        foreach (var socket in held) (await AskAsync(socket, batch)).ShouldStartWith("HTTP/1.1 200 ");

        for (var index = 0; index < Crowd / 10; index++)
        {
            var refused = await AskAsync(await ConnectAsync(port), batch);
            refused.ShouldStartWith("HTTP/1.1 503 ");
            refused.ShouldContain("Retry-After: ");
        }

        held[0].Dispose();
        await WriterUnderTest.UntilAsync(async () =>
            (await AskAsync(await ConnectAsync(port), batch)).StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal));
    }

    private async Task<int> StartAsync(string service, string setting)
    {
        var section = $"--Sync:{service}:";
        string[] arguments = [section + "Urls=http://127.0.0.1:0", "--Sync:Access:Open=true",
            setting.StartsWith("../", StringComparison.Ordinal) ? "--Sync:" + setting[3..] : section + setting];
        const string derivation = "--Sync:InsightHost:Derivations:0:";
        _app = service switch
        {
            "Writer" => WriterHost.Build(arguments, new WriterParts
            {
                Store = new MemoryLedgerStore(TimeProvider.System, new MemoryLedgerOptions()),
                Bus = _bus,
                Transport = _transport,
            }),
            "ReplicaHost" => ReplicaHostApp.Build(
                [.. arguments, section + "Follow:0:Group=g"], new ReplicaHostParts { Bus = _bus, Transport = _transport }),
            _ => InsightHostApp.Build(
                [
                    .. arguments, derivation + "Name=a", derivation + "Kind=counts", derivation + "Group=g", derivation + "Collection=c",
                    derivation + "TargetVault=insight", derivation + "TargetCollection=counts",
                ],
                new InsightHostParts { Bus = _bus }),
        };
        await _app.StartAsync();
        return new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    private async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        lock (_sockets) _sockets.Add(socket);
        using var limit = new CancellationTokenSource(Limit);
        await socket.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        return socket;
    }

    private static Task<string> AskAsync(Socket socket) => AskAsync(socket, Encoding.ASCII.GetString(Request));

    // The head of the answer; empty when the connection is closed.
    private static async Task<string> AskAsync(Socket socket, string request)
    {
        using var limit = new CancellationTokenSource(Limit);
        var answer = new StringBuilder();
        var bytes = new byte[4096];
        try
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(request), limit.Token);
            while (!answer.ToString().Contains("\r\n\r\n", StringComparison.Ordinal)
                && await socket.ReceiveAsync(bytes, limit.Token) is var count and > 0)
                answer.Append(Encoding.ASCII.GetString(bytes, 0, count));
        }
        catch (SocketException)
        {
            // Reset: closed, too.
        }
        return answer.ToString();
    }

    /// <summary>What the server says of its connections on one port.</summary>
    private sealed class OpenConnections : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly Lock _gate = new();
        private long _now, _rejected;

        public OpenConnections(int port)
        {
            _listener.InstrumentPublished = (published, listener) =>
            {
                if (published.Name is "kestrel.active_connections" or "kestrel.rejected_connections") listener.EnableMeasurementEvents(published);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, measurement, tags, _) =>
            {
                foreach (var (name, value) in tags)
                    if (name == "server.port" && Convert.ToInt32(value, CultureInfo.InvariantCulture) == port) Add(instrument.Name, measurement);
            });
            _listener.Start();
        }

        public long Now { get { lock (_gate) return _now; } }

        public long Rejected { get { lock (_gate) return _rejected; } }

        public void Dispose() => _listener.Dispose();

        private void Add(string name, long measurement)
        {
            lock (_gate)
            {
                if (name == "kestrel.rejected_connections") _rejected += measurement;
                else _now += measurement;
            }
        }
    }
}

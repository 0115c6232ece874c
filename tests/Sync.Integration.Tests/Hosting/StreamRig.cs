using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Sync.Hosting;

namespace Sync.Integration.Tests.Hosting;

/// <summary>A real web server with one stream, and clients on raw sockets.</summary>
internal sealed class StreamRig : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<TcpClient> _clients = [];

    private StreamRig(WebApplication app, EventStreams streams)
    {
        (_app, Streams) = (app, streams);
        Address = new Uri(app.Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public EventStreams Streams { get; }

    public Uri Address { get; }

    public static async Task<StreamRig> StartAsync(
        EventStreamOptions options, Func<CancellationToken, IAsyncEnumerable<ServerEvent>> items)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
        builder.Services.AddSingleton(services => new EventStreams(
            options, services.GetRequiredService<IHostApplicationLifetime>(), TimeProvider.System, new Random(1),
            services.GetRequiredService<ILogger<EventStreams>>()));
        var app = builder.Build();
        var streams = app.Services.GetRequiredService<EventStreams>();
        app.UseProblemAnswers(app.Logger, _ => null, "There is /stream.");
        app.MapGet("/stream", (Microsoft.AspNetCore.Http.HttpContext context) =>
            streams.RunAsync(context, items(context.RequestAborted)));
        await app.StartAsync();
        return new StreamRig(app, streams);
    }

    /// <summary>A client that asks and then reads nothing.</summary>
    public async Task StuckAsync()
    {
        var client = await ConnectAsync();
        client.ReceiveBufferSize = 4096;
        await AskAsync(client);
    }

    /// <summary>A client that reads lines, the head of the answer first.</summary>
    public async Task<StreamReader> ReaderAsync()
    {
        var client = await ConnectAsync();
        await AskAsync(client);
        return new StreamReader(client.GetStream(), Encoding.UTF8);
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        await _app.DisposeAsync();
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        lock (_clients) _clients.Add(client);
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        return client;
    }

    private static async Task AskAsync(TcpClient client) => await client.GetStream().WriteAsync(
        "GET /stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"u8.ToArray());
}

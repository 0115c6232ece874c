using System.Net;
using System.Net.Sockets;
using Sync.Cli.Up.Sample;
using Sync.Client;
using Sync.Hosting;

namespace Sync.Cli.Up;

/// <summary>The life of the box: ports, services, banner, sample, end. START HERE.</summary>
internal static class BoxRun
{
    public static async Task<int> RunAsync(Connection connection, BoxOptions options, CancellationToken stop)
    {
        if (Taken(options) is { } taken) return Run.Fail(connection, taken, ExitCode.Wrong);
        await using var box = new Box(options, TimeProvider.System);
        try
        {
            await box.StartAsync(stop);
            if (connection.Json) Output.Json(json => BoxBanner.Write(json, options));
            else Output.Text(BoxBanner.Text(options, BoxCommand.Name));
            return await ServeAsync(box, options, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested || box.Ending.IsCancellationRequested)
        {
            // A signal reaches the services by themselves, maybe before us.
            return box.IsBroken ? ExitCode.Wrong : ExitCode.Done;
        }
        catch (StartupException refusal)
        {
            return Run.Fail(connection, refusal.Message, ExitCode.Wrong);
        }
    }

    private static async Task<int> ServeAsync(Box box, BoxOptions options, CancellationToken stop)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop, box.Ending);
        var sample = options.Rate == 0 ? Task.CompletedTask : SampleAsync(options, end.Token);
        await Task.Delay(Timeout.Infinite, end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await sample;
        return box.IsBroken ? ExitCode.Wrong : ExitCode.Done;
    }

    private static async Task SampleAsync(BoxOptions options, CancellationToken stop)
    {
        await using var client = new SyncClient(new SyncClientOptions
        {
            Writers = [BoxOptions.Url(options.WriterPort)],
            Producer = "sample:shops",
            WriteTimeout = TimeSpan.FromSeconds(5),
        });
        var sample = new SampleRun(new SampleShops(options.Seed), options.Rate, options.Seed, TimeProvider.System);
        if (await sample.RunAsync(client, stop) is { } ended) Output.Note($"sync: {ended}\n");
    }

    // Looked at before anything starts, so that a taken port leaves nothing half done.
    private static string? Taken(BoxOptions options)
    {
        foreach (var (name, port) in options.Services)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                probe.Listen(1);
            }
            catch (SocketException error)
            {
                var other = port < 50_000 ? options.WriterPort + 1000 : options.WriterPort - 1000;
                return $"port {port}, wanted for the {name}, cannot be had ({error.SocketErrorCode}): another box or service listens "
                    + $"there; stop it, or take others: sync up --port {other}";
            }
        }
        return null;
    }
}

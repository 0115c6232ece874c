using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Sync.Cli.Status;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync status</c>.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan AskMax = TimeSpan.FromSeconds(5);

    public static Command Build()
    {
        var addresses = new ServiceAddresses();
        var command = new Command(
            "status",
            """
            Print how the services stand: feeds and their owners, what replicas hold, what Insight does.

            A service that does not answer is said. The exit code is 3 when the writer, or one that was named here, does not.
            """);
        addresses.AddTo(command);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => StatusAsync(connection, addresses.Of(parsed, connection), stop)));
        return command;
    }

    private static async Task<int> StatusAsync(Connection connection, IReadOnlyList<ServiceAddress> addresses, CancellationToken stop)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        var services = await Task.WhenAll(addresses.Select(address => ServiceStatus.AskAsync(http, address.Name, address.Url, AskMax, stop)));
        if (services.All(service => service.Status is null))
            return Run.Fail(connection, $"{services[0].Name} {services[0].Url} {services[0].Error}", ExitCode.Unreachable);
        if (connection.Json) Output.Json(json => ServiceStatus.Write(json, services));
        else Show(services);
        if (services.Zip(addresses).Any(one => one.First.Status is null && one.Second.IsRequired)) return ExitCode.Unreachable;
        return services.All(IsFine) ? ExitCode.Done : ExitCode.Wrong;
    }

    private static void Show(IReadOnlyList<ServiceStatus> services)
    {
        // A file or a pipe has no width to fit into.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
        foreach (var service in services)
        {
            if (service.Status is { } status)
            {
                Output.Text($"{service.Name} {service.Url}, version {StatusTables.Text(status, "version")}");
                try { StatusTables.Show(service.Name, status); }
                catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException)
                {
                    throw new SyncException(SyncErrorCode.Corrupt, $"what answers at {service.Url} is no {service.Name}; is the address right?");
                }
            }
            else Output.Text($"{service.Name} {service.Url} {service.Error}");
        }
    }

    private static bool IsFine(ServiceStatus service) =>
        service.Name != ServiceNames.Writer || service.Status is not { } status || !status.TryGetProperty("feeds", out var feeds)
        || feeds.EnumerateArray().All(feed => feed.TryGetProperty("lease_left_ms", out var left) && left.GetInt64() > 0);
}

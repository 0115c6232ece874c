using System.CommandLine;
using Spectre.Console;
using Sync.Cli.Status;

namespace Sync.Cli.Commands;

/// <summary><c>sync status</c>.</summary>
internal static class StatusCommand
{
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
        using var http = connection.Http();
        var services = await ServiceStatus.AskAllAsync(http, addresses, stop);
        if (services.All(service => service.Status is null))
            return Run.Fail(connection, $"{services[0].Name} {services[0].Url} {services[0].Error}", ExitCode.Unreachable);
        if (connection.Json) Output.Json(json => ServiceStatus.Write(json, services));
        else
        {
            StatusView.FitOutput();
            AnsiConsole.Write(StatusView.Of(services));
        }
        if (services.Zip(addresses).Any(one => one.First.Status is null && one.Second.IsRequired)) return ExitCode.Unreachable;
        return services.All(IsFine) ? ExitCode.Done : ExitCode.Wrong;
    }

    private static bool IsFine(ServiceStatus service) =>
        service.Name != ServiceNames.Writer || service.Status is not { } status || !status.TryGetProperty("feeds", out var feeds)
        || feeds.EnumerateArray().All(feed => feed.TryGetProperty("lease_left_ms", out var left) && left.GetInt64() > 0);
}

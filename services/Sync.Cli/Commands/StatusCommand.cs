using System.CommandLine;
using System.Globalization;
using System.Net;
using Spectre.Console;
using Sync.Client;

namespace Sync.Cli.Commands;

/// <summary><c>sync status</c>.</summary>
internal static class StatusCommand
{
    public static Command Build()
    {
        var command = new Command("status", "Print feeds, positions, owners and how far publishing is behind.");
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => StatusAsync(connection, stop)));
        return command;
    }

    private static async Task<int> StatusAsync(Connection connection, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:status"));
        if (connection.Json)
        {
            var (answer, body) = await client.Writer.GetJsonAsync("/v1/status", stop);
            if (answer != HttpStatusCode.OK) return Answers.Refused(connection, answer, body);
            Output.JsonText(body);
            return ExitCode.Done;
        }
        var status = await client.Writer.StatusAsync(stop);
        Console.WriteLine(
            $"writer {status.Writer} {status.Version}, ledger on {status.Substrate}, history {status.History}, "
            + (status.Bus.Connected ? "bus connected" : "bus NOT connected: commits go on, publishing waits"));
        var table = new Table().AddColumns("feed", "position", "published", "lag", "epoch", "owner", "lease left");
        foreach (var feed in status.Feeds)
        {
            table.AddRow(
                Text(feed.Feed), Text(feed.Position), Text(feed.Published), Text(feed.PublishLag), Text(feed.Epoch),
                Markup.Escape(feed.Owner ?? "nobody"), feed.LeaseLeftMs > 0 ? $"{feed.LeaseLeftMs} ms" : "expired");
        }
        // A file or a pipe has no width to fit into.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
        return status.Feeds.All(feed => feed.LeaseLeftMs > 0) ? ExitCode.Done : ExitCode.Wrong;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

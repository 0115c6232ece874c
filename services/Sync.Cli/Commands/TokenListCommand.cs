using System.CommandLine;
using System.Net;
using System.Text.Json;
using Spectre.Console;

namespace Sync.Cli.Commands;

/// <summary><c>sync token list</c>.</summary>
internal static class TokenListCommand
{
    public static Command Build()
    {
        var command = new Command(
            "list",
            """
            List tokens: id, label, state, end, purpose, scopes. Neither their texts nor their hashes are shown.

            With --json one token a line.
            """);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => ListAsync(connection, stop)));
        return command;
    }

    private static async Task<int> ListAsync(Connection connection, CancellationToken stop)
    {
        var table = new Table().AddColumns("id", "label", "state", "expires", "purpose", "scopes");
        for (string? after = ""; after is not null;)
        {
            var path = "/v1/tokens?limit=1000" + (after.Length == 0 ? "" : "&after=" + after);
            var (status, answer) = await connection.AskWriterAsync(HttpMethod.Get, path, null, stop);
            if (status != HttpStatusCode.OK) return Answers.Refused(connection, status, answer);
            using var page = JsonDocument.Parse(answer);
            foreach (var token in page.RootElement.GetProperty("items").EnumerateArray())
            {
                if (connection.Json) Output.JsonText(JsonSerializer.SerializeToUtf8Bytes(token));
                else table.AddRow(Cell(token, "id"), Cell(token, "label"), Cell(token, "state"), Cell(token, "expires"), Cell(token, "purpose"), Scopes(token));
            }
            after = page.RootElement.GetProperty("next").GetString();
        }
        if (connection.Json) return ExitCode.Done;
        // A file or a pipe has no width to fit into.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
        return ExitCode.Done;
    }

    private static string Cell(JsonElement token, string name) => Markup.Escape(token.GetProperty(name).GetString() ?? "");

    private static string Scopes(JsonElement token) =>
        Markup.Escape(string.Join(' ', token.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString())));
}

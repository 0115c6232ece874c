using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Spectre.Console;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync insight refresh</c>.</summary>
internal static class InsightCommand
{
    public static Command Build()
    {
        var address = new Option<string>("--insight")
        {
            Description = "Address of an Insight host (SYNC_INSIGHT)",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("SYNC_INSIGHT") is { Length: > 0 } given ? given : "http://127.0.0.1:5100",
        };
        var only = new Option<string?>("--only") { Description = "Only these partition keys, separated by commas (default: all shards)" };
        var derivation = new Option<string?>("--derivation") { Description = "Only this derivation (default: all)" };
        var failFast = new Option<bool>("--fail-fast") { Description = "Stop at the first shard that cannot be derived" };
        var refresh = new Command(
            "refresh",
            """
            Derive shards now and write their summaries; what cannot be derived is listed and the others go on.

            The exit code is 0 when nothing was skipped.
            """) { address, only, derivation, failFast };
        refresh.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => RefreshAsync(
            connection,
            parsed.GetRequiredValue(address),
            Body(parsed.GetValue(only), parsed.GetValue(derivation), parsed.GetValue(failFast)),
            stop)));
        return new Command("insight", "Insight summaries: what is drawn from every shard of a group.") { refresh };
    }

    private static byte[] Body(string? only, string? derivation, bool failFast)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (only is not null)
            {
                json.WriteStartArray("only");
                foreach (var key in only.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)) json.WriteStringValue(key);
                json.WriteEndArray();
            }
            if (derivation is not null) json.WriteString("derivation", derivation);
            json.WriteBoolean("failFast", failFast);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static async Task<int> RefreshAsync(Connection connection, string address, byte[] body, CancellationToken stop)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var host) || host.Scheme is not ("http" or "https"))
            throw new SyncException(SyncErrorCode.Invalid, $"--insight is '{address}'; give an address such as http://127.0.0.1:5100");
        // A refresh of a large group takes as long as it takes; the person at the terminal ends it.
        using var http = connection.Http();
        using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        HttpResponseMessage response;
        try
        {
            response = await http.PostAsync(new Uri(host, "/v1/insights/refresh"), content, stop);
        }
        catch (HttpRequestException error)
        {
            throw new SyncException(SyncErrorCode.NoAnswer, $"Insight host {host} does not answer: {error.Message}; is it running?", true, error);
        }
        using (response)
        {
            var answer = await response.Content.ReadAsByteArrayAsync(stop);
            return response.StatusCode == HttpStatusCode.OK ? Print(connection, answer) : Answers.Refused(connection, response.StatusCode, answer);
        }
    }

    private static int Print(Connection connection, byte[] answer)
    {
        using var report = JsonDocument.Parse(answer);
        var skipped = report.RootElement.GetProperty("skippedVaults");
        if (connection.Json) Output.JsonText(answer);
        else
        {
            Output.Text($"{report.RootElement.GetProperty("written").GetInt64()} summaries written, {skipped.GetArrayLength()} skipped");
            PrintSkipped(skipped);
        }
        return skipped.GetArrayLength() == 0 ? ExitCode.Done : ExitCode.Wrong;
    }

    private static void PrintSkipped(JsonElement skipped)
    {
        if (skipped.GetArrayLength() == 0) return;
        var table = new Table().AddColumns("vault", "derivation", "reason", "detail");
        foreach (var one in skipped.EnumerateArray())
            table.AddRow(Cell(one, "vault"), Cell(one, "derivation"), Cell(one, "reason"), Cell(one, "detail"));
        // A file or a pipe has no width to fit into.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
    }

    private static string Cell(JsonElement one, string name) => Markup.Escape(one.GetProperty(name).GetString() ?? "all");
}

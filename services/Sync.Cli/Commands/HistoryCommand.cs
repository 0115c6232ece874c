using System.CommandLine;
using System.Net;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync history VAULT COLLECTION KEY</c>.</summary>
internal static class HistoryCommand
{
    private const int FactsOfPage = 500;

    public static Command Build()
    {
        var keys = new Keys();
        var after = new Option<long>("--after") { Description = "Only facts behind this sequence", DefaultValueFactory = _ => 0 };
        var limit = new Option<int>("--limit") { Description = "At most so many facts, 1 to 100,000", DefaultValueFactory = _ => 100 };
        var command = new Command("history", "Print every fact of a key, oldest first.");
        keys.AddTo(command);
        command.Options.Add(after);
        command.Options.Add(limit);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
        {
            var most = parsed.GetValue(limit);
            if (most is < 1 or > 100_000) throw new SyncException(SyncErrorCode.Invalid, $"--limit is {most}; must be 1..100000 facts");
            return HistoryAsync(connection, WriterApi.RecordPath("history", keys.Of(parsed)), parsed.GetValue(after), most, stop);
        }));
        return command;
    }

    private static async Task<int> HistoryAsync(Connection connection, string path, long after, int limit, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:history"));
        var printed = 0;
        for (long? next = after; next is not null && printed < limit;)
        {
            var (status, body) = await client.Writer.GetJsonAsync($"{path}?after={next}&limit={Math.Min(FactsOfPage, limit - printed)}", stop);
            if (status != HttpStatusCode.OK) return Answers.Refused(connection, status, body);
            using var page = JsonDocument.Parse(body);
            foreach (var fact in page.RootElement.GetProperty("items").EnumerateArray())
            {
                Print(connection, fact);
                printed++;
            }
            var rest = page.RootElement.GetProperty("next");
            next = rest.ValueKind == JsonValueKind.Null ? null : rest.GetInt64();
        }
        if (printed == 0) return Run.Fail(connection, "the key has no fact there", ExitCode.Wrong);
        return ExitCode.Done;
    }

    private static void Print(Connection connection, JsonElement fact)
    {
        if (connection.Json) Output.JsonText(System.Text.Encoding.UTF8.GetBytes(fact.GetRawText()));
        else
        {
            Console.WriteLine(
                $"{fact.GetProperty("sequence"),6}  {fact.GetProperty("op"),-6}  {fact.GetProperty("transaction_time")}  "
                + $"{fact.GetProperty("producer")}  {fact.GetProperty("value").GetRawText()}");
        }
    }
}

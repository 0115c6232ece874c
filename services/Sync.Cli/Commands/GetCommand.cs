using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync get VAULT COLLECTION KEY</c>.</summary>
internal static class GetCommand
{
    public static Command Build()
    {
        var keys = new Keys();
        var asOf = new Option<string?>("--as-of") { Description = "As of a time, RFC 3339, e.g. 2026-01-31T12:00:00Z" };
        var sequence = new Option<long?>("--sequence") { Description = "As of a sequence" };
        var command = new Command("get", "Print the current value of a key, or one of the past.");
        keys.AddTo(command);
        command.Options.Add(asOf);
        command.Options.Add(sequence);
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
        {
            if (parsed.GetValue(asOf) is not null && parsed.GetValue(sequence) is not null)
                throw new SyncException(SyncErrorCode.Invalid, "give --as-of or --sequence, not both");
            var query = Query(parsed.GetValue(asOf), parsed.GetValue(sequence));
            return GetAsync(connection, WriterApi.RecordPath("vaults", keys.Of(parsed)) + query, stop);
        }));
        return command;
    }

    private static string Query(string? asOf, long? sequence) => (asOf, sequence) switch
    {
        (not null, _) => "?as_of=" + Uri.EscapeDataString(asOf),
        (_, not null) => "?sequence=" + sequence.Value.ToString(CultureInfo.InvariantCulture),
        _ => "",
    };

    private static async Task<int> GetAsync(Connection connection, string path, CancellationToken stop)
    {
        await using var client = new SyncClient(connection.ClientOptions("cli:get"));
        var (status, body) = await client.Writer.GetJsonAsync(path, stop);
        if (status != HttpStatusCode.OK) return Answers.Refused(connection, status, body);
        if (connection.Json)
        {
            Output.JsonText(body);
            return ExitCode.Done;
        }
        using var envelope = JsonDocument.Parse(body);
        var root = envelope.RootElement;
        Output.Note(
            $"sequence {root.GetProperty("sequence")}, schema version {root.GetProperty("schema_version")}, {root.GetProperty("time")}\n");
        Output.Text(Output.Pretty(root.GetProperty("value")));
        return ExitCode.Done;
    }
}

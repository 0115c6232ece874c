using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Sync.Access;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync token create</c>.</summary>
internal static class TokenCreateCommand
{
    public static Command Build()
    {
        var scopes = new Argument<string[]>("scopes")
        {
            Description = "What it allows, e.g. 'read:acme/*' (quoted: shells expand the *); 'sync token show-scopes' tells all",
            Arity = ArgumentArity.OneOrMore,
        };
        var label = new Option<string>("--label") { Description = "Whose it is, for people", Required = true };
        var expires = new Option<string>("--expires")
        {
            Description = "How long it is good: a number and m, h or d, from 1m to 365d",
            DefaultValueFactory = _ => "90d",
        };
        var purpose = new Option<string?>("--for-purpose")
        {
            Description = "It is for this only: each request must name it (--purpose, or the header Sync-Purpose)",
        };
        var file = TokenFiles.Out("Write it to this new file, which only you can read, instead of printing it");
        var command = new Command(
            "create",
            """
            Make a token. It is shown this once: what is kept is a hash.

            The token goes to standard output, or with --out to a file; what is known of it goes to standard error.
            """) { scopes, label, expires, purpose, file };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => CreateAsync(
            connection,
            Body(
                parsed.GetRequiredValue(scopes), parsed.GetRequiredValue(label), parsed.GetRequiredValue(expires),
                parsed.GetValue(purpose)),
            parsed.GetValue(file), stop)));
        return command;
    }

    private static byte[] Body(string[] scopes, string label, string expires, string? purpose)
    {
        foreach (var scope in scopes)
            if (AccessScope.Parse(scope) is { IsOk: false, Error: var wrong }) throw new SyncException(SyncErrorCode.Invalid, wrong);
        return JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["label"] = label,
            ["scopes"] = scopes,
            ["expires_in"] = Seconds(expires),
            ["purpose"] = purpose,
        });
    }

    private static long Seconds(string text)
    {
        var unit = text.Length == 0 ? 0 : text[^1] switch { 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        return unit != 0 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (long)number * unit
            : throw new SyncException(SyncErrorCode.Invalid, $"--expires is '{text}'; give a number and m, h or d, such as 90d");
    }

    private static async Task<int> CreateAsync(Connection connection, byte[] body, string? file, CancellationToken stop)
    {
        // Before the token is made: nobody could see it afterwards.
        if (file is not null) TokenFiles.RefuseTaken(file);
        var (status, answer) = await connection.AskWriterAsync(HttpMethod.Post, "/v1/tokens", body, stop);
        if (status != HttpStatusCode.Created) return Answers.Refused(connection, status, answer);
        using var read = JsonDocument.Parse(answer);
        var token = read.RootElement.GetProperty("token").GetString()!;
        if (file is not null) TokenFiles.Write(file, token);
        if (connection.Json)
        {
            Output.Json(json =>
            {
                foreach (var field in read.RootElement.EnumerateObject())
                    if (file is null || field.Name != "token") field.WriteTo(json);
            });
            return ExitCode.Done;
        }
        Output.Note(
            $"token {read.RootElement.GetProperty("id")}, good until {read.RootElement.GetProperty("expires")}"
            + (file is null ? "; it is shown this once:\n" : $", is in {file}\n"));
        if (file is null) Output.Text(token);
        return ExitCode.Done;
    }
}

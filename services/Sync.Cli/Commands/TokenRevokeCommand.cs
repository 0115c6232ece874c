using System.CommandLine;
using System.Net;
using Sync.Access;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync token revoke</c>.</summary>
internal static class TokenRevokeCommand
{
    public static Command Build()
    {
        var ids = new Argument<string[]>("ids")
        {
            Description = "Ids of tokens: the 16 characters between sync_ and the next _",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command(
            "revoke",
            """
            Revoke tokens. Every service refuses them within a second or two, and ends what they had open.

            Repeating it is fine. A revoked token cannot be made good again.
            """) { ids };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection => RevokeAsync(connection, parsed.GetRequiredValue(ids), stop)));
        return command;
    }

    private static async Task<int> RevokeAsync(Connection connection, string[] ids, CancellationToken stop)
    {
        // The text itself is not repeated: it may be a token.
        if (Array.Exists(ids, id => !AccessToken.IsId(id)))
            throw new SyncException(
                SyncErrorCode.Invalid, "give ids, not tokens: the 16 characters between sync_ and the next _ ('sync token list' shows them)");
        foreach (var id in ids)
        {
            var (status, answer) = await connection.AskWriterAsync(HttpMethod.Delete, "/v1/tokens/" + id, null, stop);
            if (status != HttpStatusCode.OK) return Answers.Refused(connection, status, answer);
            if (connection.Json) Output.JsonText(answer);
            else Output.Text($"{id} is revoked");
        }
        return ExitCode.Done;
    }
}

using System.CommandLine;
using Sync.Access;

namespace Sync.Cli.Commands;

/// <summary><c>sync token root</c>.</summary>
internal static class TokenRootCommand
{
    public static Command Build()
    {
        var file = TokenFiles.Out("Write the token to this new file, which only you can read, and print the hash alone");
        var command = new Command(
            "root",
            """
            Make a root token and its hash. Asks no service.

            Give the hash to every service, as the variable Sync__Access__AdminTokenHash or in a file that
            Sync__Access__AdminTokenHashFile names, and keep the token where only operators get at it. It manages tokens and
            operates services; it does not read or write records.

            Lost, or seen by somebody? Make another one, and start the services with its hash: the old one is of no use then.
            Other tokens stay good.
            """) { file };
        command.SetAction(parsed => Run.GuardAsync(parsed, connection => Task.FromResult(Make(connection, parsed.GetValue(file)))));
        return command;
    }

    private static int Make(Connection connection, string? file)
    {
        if (file is not null) TokenFiles.RefuseTaken(file);
        var token = AccessToken.Mint();
        var hash = AccessToken.HashOf(token).ToString();
        if (file is not null) TokenFiles.Write(file, token);
        if (connection.Json) Output.Json(json =>
        {
            if (file is null) json.WriteString("token", token);
            json.WriteString("hash", hash);
        });
        else Output.Text(file is null ? $"token {token}\nhash  {hash}" : hash);
        return ExitCode.Done;
    }
}

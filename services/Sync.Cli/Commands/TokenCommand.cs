using System.CommandLine;

namespace Sync.Cli.Commands;

/// <summary><c>sync token</c>: who may do what.</summary>
internal static class TokenCommand
{
    public static Command Build()
    {
        var command = new Command(
            "token",
            """
            Make, list and revoke the tokens that services ask their callers for.

            The first one, the root token, is made here, without any service; the writer is told its hash:
              sync token root --out root.token          prints the hash: give it to the writer as Sync__Access__AdminTokenHash

            All others are made by the writer, for whoever may manage tokens:
              sync token create 'read:acme/*' --label web --out web.token --token-file root.token
              sync token list --token-file root.token
              sync token revoke abcdefghijklmnop --token-file root.token

            To exchange a token: make a new one, use it, then revoke the old one. A revoked token is refused everywhere within a
            second or two.

            A token is never given on the command line, where ps shows it to everybody on the machine: use --token-file, or the
            variable SYNC_TOKEN.
            """);
        command.Subcommands.Add(TokenCreateCommand.Build());
        command.Subcommands.Add(TokenListCommand.Build());
        command.Subcommands.Add(TokenRevokeCommand.Build());
        command.Subcommands.Add(TokenRootCommand.Build());
        command.Subcommands.Add(ShowScopes());
        return command;
    }

    private static Command ShowScopes()
    {
        var command = new Command("show-scopes", "Say what the scopes of a token can be.");
        command.SetAction(parsed => Run.GuardAsync(parsed, _ =>
        {
            Output.Text(
                """
                read:VAULT/COLLECTION    read records, facts, changes, digests
                write:VAULT/COLLECTION   commit records and events
                status                   see what operators see: feeds, positions, lag
                admin                    manage tokens, operate services; implies none of the others

                VAULT is a name, GROUP--* (every shard of a group), or * (every vault but the system's own).
                COLLECTION is a name or *.

                Who asks for a whole vault needs its COLLECTION *, for a whole group GROUP--*, for whole feeds *: what is asked for
                is answered or refused, never thinned out. Who may make tokens can make one for anything.

                read:pypi--*/advisory   write:acme/*   read:*/*
                """);
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }
}

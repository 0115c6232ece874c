using System.CommandLine;
using System.CommandLine.Parsing;
using Sync.Cli.Commands;

namespace Sync.Cli;

/// <summary>The command <c>sync</c>. Exit codes: 0 done, 1 something is wrong with the data or the answer, 2 the call is wrong,
/// 3 a service cannot be reached, 130 interrupted.</summary>
internal static class CommandLine
{
    // A command that is told to stop says how far it came; on a loaded machine that may take a while.
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Runs a command line; without arguments it shows the help.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var root = Build();
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count == 0)
            return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = EndTimeout });
        foreach (var message in parsed.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal))
            await Console.Error.WriteLineAsync("sync: " + message);
        await Console.Error.WriteLineAsync();
        await root.Parse([.. PathOf(parsed.CommandResult), "--help"]).InvokeAsync(new InvocationConfiguration { Output = Console.Error });
        return ExitCode.BadCall;
    }

    private static IEnumerable<string> PathOf(CommandResult command) =>
        command.Parent is CommandResult parent ? [.. PathOf(parent), command.Command.Name] : [];

    private static RootCommand Build()
    {
        var root = new RootCommand(
            """
            Keep the same objects in many services, in step.

            First steps:
              sync put acme user 1 '{"name":"Ada"}'     commit a value
              sync get acme user 1                      read it back
              sync watch acme user 1                    follow it: every change as it comes
              sync import changes.ndjson.gz             commit a file of changes, in order
              sync verify                               walk the ledger and check every fact

            Where the services are: --writer and --nats, or the variables SYNC_WRITER, SYNC_NATS, SYNC_NATS_USER and
            SYNC_NATS_PASSWORD (or SYNC_NATS_PASSWORD_FILE).

            Where services ask for a token: --token-file, or SYNC_TOKEN or SYNC_TOKEN_FILE. There is no --token, since everybody
            on this machine could read it in the list of processes. 'sync token --help' tells how to make one.

            Exit codes: 0 done, 1 something is wrong with the data or the answer, 2 the call is wrong, 3 a service cannot be
            reached, 130 interrupted.
            """);
        foreach (var option in Connection.Options) root.Options.Add(option);
        root.Subcommands.Add(UpCommand.Build());
        root.Subcommands.Add(ImportCommand.Build());
        root.Subcommands.Add(PutCommand.Build());
        root.Subcommands.Add(GetCommand.Build());
        root.Subcommands.Add(HistoryCommand.Build());
        root.Subcommands.Add(WatchCommand.Build());
        root.Subcommands.Add(StatusCommand.Build());
        root.Subcommands.Add(TopCommand.Build());
        root.Subcommands.Add(VerifyCommand.Build());
        root.Subcommands.Add(InsightCommand.Build());
        root.Subcommands.Add(TokenCommand.Build());
        root.Subcommands.Add(BenchCommand.Build());
        return root;
    }
}

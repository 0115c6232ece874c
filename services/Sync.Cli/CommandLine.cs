using System.CommandLine;
using Sync.Cli.Commands;

namespace Sync.Cli;

/// <summary>The command <c>sync</c>. Exit codes: 0 done, 1 something is wrong with the data or the answer, 2 the call is wrong,
/// 3 a service cannot be reached, 130 interrupted.</summary>
internal static class CommandLine
{
    public static RootCommand Build()
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
            """);
        foreach (var option in Connection.Options) root.Options.Add(option);
        root.Subcommands.Add(ImportCommand.Build());
        root.Subcommands.Add(PutCommand.Build());
        root.Subcommands.Add(GetCommand.Build());
        root.Subcommands.Add(HistoryCommand.Build());
        root.Subcommands.Add(WatchCommand.Build());
        root.Subcommands.Add(StatusCommand.Build());
        root.Subcommands.Add(VerifyCommand.Build());
        return root;
    }
}

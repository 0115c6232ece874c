using System.CommandLine;
using Sync.Cli.Up;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync up</c>: the single box.</summary>
internal static class UpCommand
{
    private const int RateDefault = 20;

    public static Command Build()
    {
        var port = new Option<int>("--port")
        {
            Description = $"The writer's port; the replica host takes the one {BoxOptions.PortStep} above, the Insight host {2 * BoxOptions.PortStep} above",
            DefaultValueFactory = _ => 5080,
        };
        var rate = new Option<int>("--rate")
        {
            Description = $"Writes of the sample in a second, 1 to {BoxOptions.RateMax}",
            DefaultValueFactory = _ => RateDefault,
        };
        var seed = new Option<int>("--seed") { Description = "The same seed gives the same sample", DefaultValueFactory = _ => 1 };
        var noSample = new Option<bool>("--no-sample") { Description = "Start empty" };
        var command = new Command(
            "up",
            """
            Run everything in this one process: writer, replica host, Insight host and status page. No server to install.

            The ledger is kept in memory: when the box ends, it is forgotten. Everything listens on this machine only. Sample
            data is in motion from the start: orders of the shops of a chain (vaults shop--berlin, shop--lisbon…, collection
            order) and visits (a History, collection visit). What to open and what to try is printed once all is ready.
            Ctrl-C ends it.

            The other commands work against it: sync put, get, history, watch, import, status, verify. For data that lasts
            run the services on Postgres and NATS: infra/dev/up.
            """) { port, rate, seed, noSample };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, connection =>
        {
            var (first, perSecond) = (parsed.GetValue(port), parsed.GetValue(rate));
            if (first is < 1 or > BoxOptions.WriterPortMax)
                throw new SyncException(SyncErrorCode.Invalid, $"--port is {first}; must be 1..{BoxOptions.WriterPortMax}");
            if (perSecond is < 1 or > BoxOptions.RateMax)
                throw new SyncException(SyncErrorCode.Invalid, $"--rate is {perSecond}; must be 1..{BoxOptions.RateMax} writes a second");
            var options = new BoxOptions(first, parsed.GetValue(noSample) ? 0 : perSecond, parsed.GetValue(seed));
            return BoxRun.RunAsync(connection, options, stop);
        }));
        return command;
    }
}

using System.Runtime.InteropServices;

namespace Sync.ChaosTests.Clients;

/// <summary>
/// Processes outside of the fault domain that load the system and write down what they see:
/// <c>client|raw|sse|replica|feed --out FILE --seed N [--index N] [--writer URL]… [--nats URL] [--host URL] [--slow]
/// [--major N]</c>.
/// SIGTERM ends them with exit code 0, their last line written; a load client first settles what is open, at most 6 s.
/// </summary>
/// <remarks>
/// client: load; --writer once for each writer, --index 0..<see cref="Load.Clients"/> - 1. raw: --nats, the broker
/// itself. sse: --host, a replica host; --slow reads slowly. replica: --nats, the broker (its replicas recover over
/// it); --major, the newest schema major that it knows, 1 or 2. feed: --writer once for each writer.
/// </remarks>
internal static class ClientCommand
{
    public static readonly IReadOnlyList<string> Kinds = ["client", "raw", "sse", "replica", "feed"];

    public static async Task<int> RunAsync(string kind, IReadOnlyList<string> arguments)
    {
        using var stop = new CancellationTokenSource();
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        var parsed = ClientArguments.Parse(kind, arguments);
        using var log = new EventLog(parsed.Out);
        log.Start();
        try
        {
            await (kind switch
            {
                "client" => LoadClient.RunAsync(parsed, log, stop.Token),
                "raw" => RawSubscriber.RunAsync(parsed, log, stop.Token),
                "sse" => SseReader.RunAsync(parsed, log, stop.Token),
                "replica" => ReplicaReader.RunAsync(parsed, log, stop.Token),
                _ => FeedReader.RunAsync(parsed, log, stop.Token),
            });
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to end.
        }
        log.Write("end", _ => { });
        return 0;
    }
}

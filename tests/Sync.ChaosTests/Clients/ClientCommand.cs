namespace Sync.ChaosTests.Clients;

/// <summary>
/// Processes outside of the fault domain that load the system and write down what they see:
/// <c>client|raw|sse|replica|feed --out FILE --seed N [--index N] [--writer URL]… [--nats URL] [--host URL] [--slow]</c>.
/// SIGTERM ends them with exit code 0, their last line written.
/// </summary>
/// <remarks>
/// client: load; --writer once for each writer, --index 0..<see cref="Load.Clients"/> - 1. raw: --nats, the broker itself. sse: --host, a
/// replica host; --slow reads slowly. replica: --host. feed: --writer once for each writer.
/// </remarks>
internal static class ClientCommand
{
    public static readonly IReadOnlyList<string> Kinds = ["client", "raw", "sse", "replica", "feed"];

    public static async Task<int> RunAsync(string kind, IReadOnlyList<string> arguments)
    {
        var stop = new TaskCompletionSource();
        using var signal = System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
            {
                context.Cancel = true;
                stop.TrySetResult();
            });
        Console.WriteLine($"{kind} {string.Join(' ', arguments)}");
        await stop.Task;
        return 0;
    }
}

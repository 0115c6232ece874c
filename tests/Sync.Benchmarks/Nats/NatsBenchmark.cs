using System.Globalization;
using Sync.Testing.Nats;

namespace Sync.Benchmarks.Nats;

/// <summary>
/// B5: the NATS client beside the C client, 128-byte messages, one connection per role, same server, alternating
/// rounds.
/// <code>b5 [--rounds N] [--json FILE] [--only publish,pubsub,request,four,alloc]</code>
/// </summary>
public static class NatsBenchmark
{
    private const int PublishCount = 3_000_000;
    private const int PubSubCount = 1_000_000;
    private const int RequestCount = 8_000;

    public static async Task<int> RunAsync(string[] args)
    {
        var rounds = int.Parse(Option(args, "--rounds") ?? "5", CultureInfo.InvariantCulture);
        var only = Option(args, "--only")?.Split(',');
        using var yardstick = await CNats.CompileAsync();
        await using var server = await NatsServer.StartAsync("max_pending: 256MB\nwrite_deadline: \"30s\"");

        var report = new Report($"B5 NATS client, 128-byte messages, {rounds} alternating rounds (min / median / max)");
        var run = new Rounds(yardstick, server, report);
        foreach (var (name, measure) in new (string, Func<int, Task>)[]
        {
            ("publish", n => run.ThroughputAsync("publish", "publish", PublishCount, 0.8, n)),
            ("pubsub", n => run.ThroughputAsync("pubsub", "publish to receive, other connection", PubSubCount, 1.1, n)),
            ("request", n => run.RequestsAsync(RequestCount, n)),
            ("four", n => run.FourPublishersAsync(PublishCount, n)),
            ("alloc", n => run.AllocationAsync(PubSubCount, n)),
        })
        {
            if (only is null || only.Contains(name, StringComparer.Ordinal))
                await measure(rounds);
        }

        return await report.FinishAsync(args);
    }

    private static string? Option(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}

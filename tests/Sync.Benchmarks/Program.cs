using Sync.Benchmarks.Nats;
using Sync.Benchmarks.Replicas;
using Sync.Benchmarks.Schema;
using Sync.Benchmarks.Way;

// One line per benchmark: name, what it runs.
var benchmarks = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["b1"] = CommitBenchmark.RunAsync,
    ["b3"] = LatencyBenchmark.RunAsync,
    ["b4"] = VisibleBenchmark.RunAsync,
    ["b5"] = NatsBenchmark.RunAsync,
    ["b6"] = FanOutBenchmark.RunAsync,
    ["b8"] = CatchUpBenchmark.RunAsync,
    ["b9"] = MemoryBenchmark.RunAsync,
    ["schema"] = SchemaBenchmark.RunAsync,
};
// What the benchmarks start as processes of their own.
var parts = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["catch-up"] = CatchUpBenchmark.ReplicaAsync,
    ["copy-out"] = CatchUpBenchmark.CopyAsync,
    ["follow"] = Follower.RunAsync,
    ["plain"] = PlainDoor.RunAsync,
    ["receive"] = Bare.RunAsync,
    ["timed-writer"] = TimedWriter.RunAsync,
};

if (args is ["--list"])
{
    foreach (var name in benchmarks.Keys) Console.WriteLine(name);
    return 0;
}
if (args.Length > 0 && (benchmarks.TryGetValue(args[0], out var run) || parts.TryGetValue(args[0], out run)))
    return await run(args[1..]);
Console.Error.WriteLine($"Usage: <{string.Join('|', benchmarks.Keys)}> [--rounds N] [--json FILE]");
return 2;

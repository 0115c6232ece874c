using Sync.Benchmarks;
using Sync.Benchmarks.Bulk;
using Sync.Benchmarks.Nats;
using Sync.Benchmarks.Replicas;
using Sync.Benchmarks.Schema;
using Sync.Benchmarks.Way;

// One line per benchmark with goals (docs/PERFORMANCE.md): name, what it runs.
var benchmarks = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["b1"] = CommitBenchmark.RunAsync,
    ["b2"] = BulkBenchmark.RunAsync,
    ["b3"] = LatencyBenchmark.RunAsync,
    ["b4"] = VisibleBenchmark.RunAsync,
    ["b5"] = NatsBenchmark.RunAsync,
    ["b6"] = FanOutBenchmark.RunAsync,
    ["b7"] = ApplyBenchmark.RunAsync,
    ["b8"] = CatchUpBenchmark.RunAsync,
    ["b9"] = MemoryBenchmark.RunAsync,
};
// What has no goal: comparisons that a decision rests on, and all of the above.
var others = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["schema"] = SchemaBenchmark.RunAsync,
    ["all"] = rest => AllBenchmarks.RunAsync(benchmarks.Keys, rest),
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

string[] names = [.. benchmarks.Keys, .. others.Keys];
if (args is ["--list"])
{
    foreach (var name in names) Console.WriteLine(name);
    return 0;
}
if (args.Length > 0
    && (benchmarks.TryGetValue(args[0], out var run) || others.TryGetValue(args[0], out run) || parts.TryGetValue(args[0], out run)))
    return await run(args[1..]);
Console.Error.WriteLine($"Usage: <{string.Join('|', names)}> [--rounds N] [--json FILE]");
return 2;

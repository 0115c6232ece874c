using Sync.Benchmarks.Nats;
using Sync.Benchmarks.Schema;

// One line per benchmark: name, what it runs.
var benchmarks = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["b5"] = NatsBenchmark.RunAsync,
    ["schema"] = SchemaBenchmark.RunAsync,
};

if (args.Length > 0 && benchmarks.TryGetValue(args[0], out var run))
    return await run(args[1..]);
Console.Error.WriteLine($"Usage: <{string.Join('|', benchmarks.Keys)}> [--rounds N] [--json FILE]");
return 2;

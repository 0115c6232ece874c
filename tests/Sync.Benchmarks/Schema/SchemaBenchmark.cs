using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Sync.Testing.Postgres;

namespace Sync.Benchmarks.Schema;

/// <summary>Which schema and which way of committing a group costs least: all variants on one server in one run, by
/// turns, with the same rows. Besides the rate it gives the CPU time of the server's process, which neighbours disturb
/// less.</summary>
internal static class SchemaBenchmark
{
    private static readonly int[] GroupSizes = [1, 50, 200, 1000];
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static async Task<int> RunAsync(string[] args)
    {
        var rounds = Option(args, "--rounds", 5);
        var time = TimeSpan.FromMilliseconds(Option(args, "--milliseconds", 1500));
        await using var server = await PostgresServer.CreateAsync(new PostgresServerOptions
        {
            Settings = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["shared_buffers"] = "1GB",
                ["max_wal_size"] = "16GB",
                ["checkpoint_timeout"] = "1h",
                ["autovacuum"] = "off",
            },
        });
        var results = new List<Result>();
        foreach (var size in GroupSizes)
        {
            var database = await server.CreateDatabaseAsync("schema");
            var lanes = new List<Lane>();
            foreach (var variant in Variant.All)
                lanes.Add(new Lane(variant, await VariantWriter.CreateAsync(database, variant, lanes.Count), new GroupSource(7)));
            // A first round that does not count: every key once, so that what follows is updates, and statements are
            // prepared.
            foreach (var lane in lanes) await lane.FillAsync();
            for (var round = 0; round < rounds; round++)
                foreach (var lane in lanes)
                    await lane.RunAsync(size, time);
            foreach (var lane in lanes) results.Add(await lane.FinishAsync(size));
        }
        Print(results);
        if (args is [.., "--json", var path]) await File.WriteAllTextAsync(path, JsonSerializer.Serialize(results, Indented));
        return 0;
    }

    private static void Print(List<Result> results)
    {
        Console.WriteLine("| facts a group | variant | facts/s median (min..max) | ratio | server CPU, µs a fact | ratio | bytes a fact |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var of in results.GroupBy(result => result.GroupSize))
        {
            var chosen = of.First();
            foreach (var result in of)
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {result.GroupSize} | {result.Variant} | {result.Median:N0} ({result.Min:N0}..{result.Max:N0}) | "
                    + $"{result.Median / chosen.Median:F2} | {result.CpuMicros:F1} | {result.CpuMicros / chosen.CpuMicros:F2} | "
                    + $"{result.BytesPerFact:N0} |"));
        }
    }

    private static int Option(string[] args, string name, int otherwise) =>
        Array.IndexOf(args, name) is var at and >= 0 ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;

    /// <summary>One line of the table.</summary>
    private sealed record Result(
        int GroupSize, string Variant, double Median, double Min, double Max, double CpuMicros, long Facts, double BytesPerFact);

    /// <summary>A variant, its rows and its measurements.</summary>
    private sealed class Lane(Variant variant, VariantWriter writer, GroupSource source)
    {
        private readonly List<double> _rates = [];
        private double _cpuSeconds;
        private long _facts;
        private long _all;

        internal async Task FillAsync()
        {
            while (_all < GroupSource.KeyCount)
            {
                await writer.CommitAsync(source.Next(1000));
                _all += 1000;
            }
        }

        internal async Task RunAsync(int size, TimeSpan time)
        {
            // Prepared statements of this size's shapes, outside the clock.
            for (var warm = 0; warm < 5; warm++) await CommitAsync(size);
            var (spent, facts) = (TimeSpan.Zero, 0L);
            var cpu = CpuTimes.Of(writer.Backend);
            while (spent < time)
            {
                var group = source.Next(size);
                var from = Stopwatch.GetTimestamp();
                await writer.CommitAsync(group);
                spent += Stopwatch.GetElapsedTime(from);
                facts += size;
            }
            _cpuSeconds += CpuTimes.Of(writer.Backend) - cpu;
            _facts += facts;
            _all += facts;
            _rates.Add(facts / spent.TotalSeconds);
        }

        internal async Task<Result> FinishAsync(int size)
        {
            if (await writer.CountAsync() is var counted && counted != _all)
                throw new InvalidOperationException($"{variant.Name}: {_all} facts were committed and {counted} are there");
            var bytes = await writer.BytesAsync();
            await writer.DisposeAsync();
            _rates.Sort();
            return new Result(
                size, variant.Name, _rates[_rates.Count / 2], _rates[0], _rates[^1], _cpuSeconds * 1e6 / _facts, _all,
                (double)bytes / _all);
        }

        private async Task CommitAsync(int size)
        {
            await writer.CommitAsync(source.Next(size));
            _all += size;
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sync.Benchmarks.Way;

namespace Sync.Benchmarks;

/// <summary>
/// All benchmarks that have goals, one after the other, each in a process of its own, so that none finds the heap or the
/// compiled code of the one before. Ends with the goals and whether they were met.
/// <code>all [--rounds N] [--rows N] [--json FILE]</code>
/// </summary>
internal static class AllBenchmarks
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(IEnumerable<string> names, string[] args)
    {
        var folder = Directory.CreateTempSubdirectory("sync-bench-");
        try
        {
            var (results, code) = (new JsonObject(), 0);
            foreach (var name in names)
            {
                var file = Path.Combine(folder.FullName, name + ".json");
                var start = Stopwatch.GetTimestamp();
                var ended = await RunOneAsync(name, [.. args.Where((_, at) => !IsJson(args, at)), "--json", file]);
                code = Math.Max(code, ended);
                if (!File.Exists(file))
                {
                    await Console.Error.WriteLineAsync($"{name} gave no result: it ended with code {ended}");
                    continue;
                }
                var result = JsonNode.Parse(await File.ReadAllTextAsync(file))!.AsObject();
                result["seconds"] = Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds);
                results[name] = result;
            }
            Print(results);
            if (Arguments.Text(args, "--json") is { } path) await File.WriteAllTextAsync(path, results.ToJsonString(Indented));
            return code;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static bool IsJson(string[] args, int at) => args[at] == "--json" || (at > 0 && args[at - 1] == "--json");

    private static async Task<int> RunOneAsync(string name, string[] args)
    {
        using var process = Process.Start("dotnet", [typeof(AllBenchmarks).Assembly.Location, name, .. args]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private static void Print(JsonObject results)
    {
        Console.WriteLine();
        foreach (var (name, result) in results)
        {
            Console.WriteLine($"{name}: {result!["title"]} ({result["seconds"]} s)");
            foreach (var line in result["lines"]!.AsArray())
            {
                if (line!["limit"] is not { } limit) continue;
                var judged = (line["ratio"] ?? line["ours"])!["median"]!.GetValue<double>();
                var goal = (line["atLeast"]!.GetValue<bool>() ? ">= " : "<= ") + limit;
                var figures = string.Create(CultureInfo.InvariantCulture, $"{line["verdict"],-7} {judged,8:0.00}  {goal,-8}");
                Console.WriteLine($"  {figures} {line["name"]}, {line["unit"]}");
            }
        }
    }
}

using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary><c>sync bench [NAME…]</c>: runs the benchmarks of a checkout.</summary>
internal static class BenchCommand
{
    private const string Folder = "tests/Sync.Benchmarks";
    private const string All = "all";

    public static Command Build()
    {
        var names = new Argument<string[]>("NAME") { Description = "Which; none = all, one after the other", Arity = ArgumentArity.ZeroOrMore };
        var list = new Option<bool>("--list") { Description = "Only print the names" };
        var rounds = new Option<int?>("--rounds") { Description = "Rounds of each (default: the benchmark's own)" };
        var results = new Option<string?>("--results") { Description = "A folder that gets NAME.json of each" };
        var command = new Command(
            "bench",
            """
            Run the benchmarks of the checkout that you stand in: each figure beside its yardstick, as a ratio of one run.

            They build first, start the servers that they need, and take minutes each. Ratios count; absolute figures are
            those of the machine and of what else runs on it.
            """) { names, list, rounds, results };
        command.SetAction((parsed, stop) => Run.GuardAsync(parsed, async connection =>
        {
            var root = Checkout()
                ?? throw new SyncException(SyncErrorCode.Invalid, $"no checkout of Sync here: call this in a folder below one that has {Folder}");
            if (await ExecAsync(root, ["build", Folder, "-c", "Release", "-v", "quiet", "-nologo"], quiet: true, stop) != 0)
                return Run.Fail(connection, $"{Folder} does not build; see: dotnet build {Folder} -c Release", ExitCode.Wrong);
            var program = Path.Combine(Folder, "bin/Release/net10.0/Sync.Benchmarks.dll");
            if (parsed.GetValue(list)) return await ExecAsync(root, [program, "--list"], quiet: false, stop);
            string[] more = parsed.GetValue(rounds) is { } count ? ["--rounds", count.ToString(CultureInfo.InvariantCulture)] : [];
            foreach (var name in await ChosenAsync(root, program, parsed.GetValue(names) ?? [], stop))
            {
                string[] json = parsed.GetValue(results) is { } folder ? ["--json", Path.Combine(Made(folder), name + ".json")] : [];
                var code = await ExecAsync(root, [program, name, .. more, .. json], quiet: false, stop);
                if (code != 0) return Run.Fail(connection, $"benchmark {name} ended with code {code}", ExitCode.Wrong);
            }
            return ExitCode.Done;
        }));
        return command;
    }

    private static async Task<string[]> ChosenAsync(string root, string program, string[] wanted, CancellationToken stop)
    {
        using var process = Start(root, [program, "--list"], redirect: true);
        var known = (await process.StandardOutput.ReadToEndAsync(stop)).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        await process.WaitForExitAsync(stop);
        var unknown = wanted.Except(known, StringComparer.Ordinal).ToList();
        return unknown.Count > 0
            ? throw new SyncException(SyncErrorCode.Invalid, $"there is no benchmark {string.Join(", ", unknown)}; there are {string.Join(", ", known)}")
            : wanted.Length > 0 ? wanted : [All];
    }

    private static async Task<int> ExecAsync(string root, string[] arguments, bool quiet, CancellationToken stop)
    {
        using var process = Start(root, arguments, redirect: quiet);
        try
        {
            if (quiet) await process.StandardOutput.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static Process Start(string root, string[] arguments, bool redirect) => Process.Start(
        new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = root, RedirectStandardOutput = redirect })
        ?? throw new InvalidOperationException("dotnet cannot be started");

    private static string Made(string folder) => Directory.CreateDirectory(folder).FullName;

    private static string? Checkout()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, Folder, "Sync.Benchmarks.csproj"))) return folder.FullName;
        return null;
    }
}

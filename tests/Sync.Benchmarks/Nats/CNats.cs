using System.Diagnostics;
using System.Globalization;

namespace Sync.Benchmarks.Nats;

/// <summary>The yardstick: a small C program on the C client library, compiled when the benchmark runs.</summary>
internal sealed class CNats : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sync-yardstick-");

    private string Binary => Path.Combine(_folder.FullName, "nats_yardstick");

    public static async Task<CNats> CompileAsync()
    {
        var yardstick = new CNats();
        var source = Path.Combine(AppContext.BaseDirectory, "yardsticks", "nats", "nats_yardstick.c");
        await ExecuteAsync("gcc", "-O2", "-Wall", "-o", yardstick.Binary, source, "-lnats");
        return yardstick;
    }

    /// <summary>One run in a process of its own.</summary>
    public async Task<Measured> RunAsync(string mode, string url, int count)
    {
        // seconds cpu-seconds p50-us p99-us
        var output = await ExecuteAsync(Binary, mode, url, count.ToString(CultureInfo.InvariantCulture));
        var numbers = output.Split(' ', StringSplitOptions.TrimEntries)
            .Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray();
        return new Measured(numbers[0], numbers[1], numbers[2], numbers[3]);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<string> ExecuteAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"{program} failed (gcc and libnats-dev are needed): {await errors}");
    }
}

using System.Globalization;
using System.Text.Json;

namespace Sync.ChaosTests.Topology;

/// <summary>memory.ndjson: what each process under test holds, once a second, as the kernel counts it.</summary>
internal sealed class MemoryLog : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public MemoryLog(RunFolder run, IEnumerable<Node> nodes) => _loop = Task.Run(() => WatchAsync(run, [.. nodes]));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task WatchAsync(RunFolder run, IReadOnlyList<Node> nodes)
    {
        var log = File.Open(run.Memory, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        await using var file = new StreamWriter(log) { AutoFlush = true };
        using var timer = new PeriodicTimer(Every);
        while (await timer.WaitForNextTickAsync(_stop.Token))
            foreach (var node in nodes)
                if (KilobytesOf(node.ProcessId) is { } kb)
                    await file.WriteLineAsync(JsonSerializer.Serialize(new { t = MachineClock.Now, e = "rss", name = node.Name, kb }));
    }

    // Null when it does not run just now.
    private static long? KilobytesOf(int processId)
    {
        try
        {
            var line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status"))
                .FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return line is null ? null : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}

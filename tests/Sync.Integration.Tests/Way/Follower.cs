using System.Text.Json;
using Shouldly;
using Sync.Contracts;
using Sync.Testing.Processes;

namespace Sync.Integration.Tests.Way;

/// <summary>Reads what <c>sync watch --json</c> prints in another process: the newest state of each key, and that no sequence of a
/// key ever goes back.</summary>
internal sealed class Follower(ServiceProcess process, string output)
{
    private readonly Dictionary<SyncedKey, (long Sequence, string? Value)> _held = [];
    private long _read;

    public ServiceProcess Process => process;

    public IReadOnlyDictionary<SyncedKey, (long Sequence, string? Value)> Held => _held;

    /// <summary>Reads what was printed since the last call.</summary>
    public void ReadNew()
    {
        if (!File.Exists(output)) return;
        using var file = new FileStream(output, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = _read;
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        var whole = text.LastIndexOf('\n') + 1;
        _read += System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(0, whole));
        foreach (var line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries)) Take(line);
    }

    /// <summary>Waits until every key has at least the wanted sequence and exactly the wanted value.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> ConvergeAsync(IReadOnlyDictionary<SyncedKey, (long Sequence, string? Value)> heads, TimeSpan most)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            ReadNew();
            var behind = heads.Where(head => !_held.TryGetValue(head.Key, out var held) || held != head.Value).ToList();
            var elapsed = TimeProvider.System.GetElapsedTime(started);
            if (behind.Count == 0) return elapsed;
            if (elapsed > most)
            {
                var example = behind[0];
                throw new InvalidOperationException(
                    $"{behind.Count} of {heads.Count} replicas differ after {elapsed}; {example.Key} must be {example.Value}, "
                    + $"is {(_held.TryGetValue(example.Key, out var held) ? held.ToString() : "missing")}\n{process.Output}");
            }
            await tick.WaitForNextTickAsync();
        }
    }

    private void Take(string line)
    {
        using var json = JsonDocument.Parse(line);
        var root = json.RootElement;
        var key = new SyncedKey(
            root.GetProperty("vault").GetString()!, root.GetProperty("collection").GetString()!, root.GetProperty("key").GetString()!);
        var sequence = root.GetProperty("sequence").GetInt64();
        var value = root.GetProperty("value");
        if (_held.TryGetValue(key, out var held)) sequence.ShouldBeGreaterThanOrEqualTo(held.Sequence, key.ToString());
        _held[key] = (sequence, value.ValueKind == JsonValueKind.Null ? null : value.GetRawText());
    }
}

using System.Text.Json;
using Sync.Cli.Status;
using Sync.Contracts;

namespace Sync.Cli.Verify;

/// <summary>Compares what a replica host holds with what the writer holds, collection by collection: by digest where both stand
/// at one position, else key by key. What changes meanwhile is waited for, within a bound.</summary>
internal sealed class ReplicaCheck(HttpClient http, Holder writer, string url, TimeSpan patience, TimeProvider time)
{
    /// <summary>So many differing keys of a collection are named; more are only said to be there.</summary>
    public const int KeysNamedMax = 1000;

    private static readonly TimeSpan StatusMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Holder _host = new(http, ServiceNames.ReplicaHost, url);
    private Dictionary<SyncedKey, string> _refused = [];

    /// <summary>Compares the given collections, as far as the host follows them.</summary>
    /// <param name="collections">All there are.</param>
    /// <param name="progress">Told before each collection: how many are done, of how many.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="SyncException">The host or the writer does not answer.</exception>
    public async Task<ReplicaResult> RunAsync(
        IReadOnlyCollection<(string Vault, string Collection)> collections, Action<int, int> progress, CancellationToken stop)
    {
        var status = await StatusAsync(stop);
        var scopes = status.GetProperty("scopes").EnumerateArray().Select(ScopeOf).ToList();
        var followed = collections.Where(one => scopes.Exists(scope => scope.Matches(new SyncedKey(one.Vault, one.Collection, "")))).ToList();
        var result = new ReplicaResult(url);
        foreach (var (vault, collection) in followed)
        {
            progress(result.Collections++, followed.Count);
            var before = result.Differences.Count;
            if (await CompareAsync(vault, collection, result.Differences, stop) is { } notCompared) result.NotCompared.Add(notCompared);
            else if (result.Differences.Count == before) result.Equal++;
        }
        return result;
    }

    // Null: compared.
    private async Task<string?> CompareAsync(string vault, string collection, List<KeyDifference> differences, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var (ours, theirs) = (await writer.DigestAsync(vault, collection, stop), await _host.DigestAsync(vault, collection, stop));
            if (ours is not null && ours == theirs) return null;
            // At one position only what is wrong differs; else the replica may be on its way.
            var isSettled = ours is { } one && theirs is { } other && one.Position == other.Position;
            if (isSettled || time.GetElapsedTime(started) > patience)
            {
                if (theirs is null) return $"{vault}/{collection}: the replica host has not loaded it within {patience.TotalSeconds:0} s";
                await NameKeysAsync(vault, collection, differences, stop);
                return null;
            }
            await Task.Delay(Pause, time, stop);
        }
    }

    private async Task NameKeysAsync(string vault, string collection, List<KeyDifference> differences, CancellationToken stop)
    {
        var suspects = new List<SyncedKey>();
        await foreach (var key in KeyDifference.KeysAsync(writer.ListAsync(vault, collection, stop), _host.ListAsync(vault, collection, stop)))
        {
            suspects.Add(new SyncedKey(vault, collection, key));
            if (suspects.Count == KeysNamedMax) break;
        }
        if (suspects.Count == 0) return;
        _refused = RefusedOf(await StatusAsync(stop));
        var started = time.GetTimestamp();
        foreach (var key in suspects)
            if (await DifferenceAsync(key, started, stop) is { } difference) differences.Add(difference);
    }

    // A key that moved while both were listed is right again soon: it counts only when it stays different, or when the host says
    // that it refused it.
    private async Task<KeyDifference?> DifferenceAsync(SyncedKey key, long started, CancellationToken stop)
    {
        while (true)
        {
            var found = KeyDifference.Of(key, await writer.GetAsync(key, stop), await _host.GetAsync(key, stop), _refused.GetValueOrDefault(key));
            if (found is null or { Kind: DifferenceKind.Refused } || time.GetElapsedTime(started) > patience) return found;
            await Task.Delay(Pause, time, stop);
        }
    }

    private async Task<JsonElement> StatusAsync(CancellationToken stop)
    {
        var answer = await ServiceStatus.AskAsync(http, ServiceNames.ReplicaHost, url, StatusMax, stop);
        if (answer.Status is not { } status) throw new SyncException(SyncErrorCode.NoAnswer, $"{answer.Name} {url} {answer.Error}", true);
        return status.TryGetProperty("scopes", out _)
            ? status
            : throw new SyncException(SyncErrorCode.Corrupt, $"what answers at {url} is no replica host; is the address right?");
    }

    private static SyncedPattern ScopeOf(JsonElement scope) => new(
        scope.GetProperty("group").GetString(), scope.GetProperty("vault").GetString(), scope.GetProperty("collection").GetString());

    private static Dictionary<SyncedKey, string> RefusedOf(JsonElement status)
    {
        var refused = new Dictionary<SyncedKey, string>();
        foreach (var scope in status.GetProperty("scopes").EnumerateArray())
            if (scope.TryGetProperty("skew", out var skew))
                foreach (var key in skew.GetProperty("keys").EnumerateArray())
                    refused[new SyncedKey(key.GetProperty("vault").GetString()!, key.GetProperty("collection").GetString()!, key.GetProperty("key").GetString()!)] =
                        key.GetProperty("reason").GetString() ?? "no reason given";
        return refused;
    }
}

/// <summary>What a comparison with one replica host found.</summary>
internal sealed class ReplicaResult(string url)
{
    public string Url => url;

    /// <summary>Collections that the host follows.</summary>
    public int Collections { get; set; }

    /// <summary>Of them, those that are equal.</summary>
    public int Equal { get; set; }

    /// <summary>Keys that differ.</summary>
    public List<KeyDifference> Differences { get; } = [];

    /// <summary>Collections that could not be compared, and why.</summary>
    public List<string> NotCompared { get; } = [];

    public bool IsRight => Differences.Count == 0 && NotCompared.Count == 0;
}

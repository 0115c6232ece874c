using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.ChaosTests.Clients;

/// <summary>Writes as an import does: many for each key, each on condition of the one before, all sent in order and
/// all repeated while one is open. Nobody else writes these keys, so no refusal for good is right, but after a
/// restore of an old ledger.</summary>
internal sealed class ChainLoad(
    LoadPlan plan, WriteLog log, HistoryLookup histories, Func<IReadOnlyList<PlannedWrite>, Task<Outcome[]>> send)
{
    private readonly ConcurrentDictionary<SyncedKey, long> _heads = new();
    private long _history;

    /// <summary>Writes one chain of each key and returns when every write has a receipt, or time is up.</summary>
    public async Task WriteAsync(int keys, int length, CancellationToken giveUp)
    {
        var chain = plan.Chain(keys, length, key => _heads.GetValueOrDefault(key));
        while (true)
        {
            var attempts = chain.ConvertAll(log.Invoke);
            var outcomes = await send(chain);
            var excuse = outcomes.Any(outcome => outcome.Ending == Ending.Refused) ? await ExcuseAsync(giveUp) : null;
            for (var i = 0; i < chain.Count; i++)
            {
                log.Ended(chain[i], attempts[i], outcomes[i], excuse);
                if (outcomes[i].Ending != Ending.Committed) continue;
                var receipt = outcomes[i].Receipt;
                if (_history == 0) _history = receipt.History;
                _heads[receipt.Key] = receipt.Sequence;
            }
            if (excuse is not null)
            {
                foreach (var key in _heads.Keys) _heads[key] = await histories.SequenceAsync(key, giveUp);
                return;
            }
            if (outcomes.All(outcome => outcome.IsFinal) || giveUp.IsCancellationRequested) return;
            await Task.Delay(TimeSpan.FromMilliseconds(250), giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Each write by itself, called in order, none awaited before the next is under way.</summary>
    public static async Task<Outcome[]> InOrderAsync(IWriteSender sender, IReadOnlyList<PlannedWrite> chain)
    {
        var underWay = new Task<Outcome>[chain.Count];
        for (var i = 0; i < underWay.Length; i++) underWay[i] = sender.SendAsync(chain[i]);
        return await Task.WhenAll(underWay);
    }

    // An old copy of the ledger lacks what was committed after it: conditions of then are refused now.
    private async Task<string?> ExcuseAsync(CancellationToken giveUp)
    {
        var now = await histories.CurrentAsync(giveUp);
        var before = _history;
        if (now == 0) return "nobody says what the history is";
        _history = now;
        return before != 0 && before != now ? $"the history was {before} and is {now}" : null;
    }
}

/// <summary>Asks the writers until one answers.</summary>
internal sealed class HistoryLookup(HttpClient http, IReadOnlyList<string> writers)
{
    /// <summary>The history of the ledger now; 0 = time was up.</summary>
    public async Task<long> CurrentAsync(CancellationToken giveUp)
    {
        using var body = await AskAsync("/v1/status", giveUp);
        return body?.RootElement.GetProperty("history"u8).GetInt64() ?? 0;
    }

    /// <summary>The last sequence of a live key; 0 = none, or time was up.</summary>
    public async Task<long> SequenceAsync(SyncedKey key, CancellationToken giveUp)
    {
        using var body = await AskAsync($"/v1/vaults/{key.Vault}/{key.Collection}/{key.Key}", giveUp);
        return body is not null && body.RootElement.TryGetProperty("sequence"u8, out var sequence) ? sequence.GetInt64() : 0;
    }

    private async Task<JsonDocument?> AskAsync(string path, CancellationToken giveUp)
    {
        for (var turn = 0; !giveUp.IsCancellationRequested; turn++)
        {
            try
            {
                using var answer = await http.GetAsync(writers[turn % writers.Count].TrimEnd('/') + path, giveUp);
                if ((int)answer.StatusCode < 500)
                    return JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(giveUp));
            }
            catch (Exception error) when (
                error is HttpRequestException or IOException or SocketException or JsonException
                or OperationCanceledException)
            {
                // The next one, or the same one later.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(250), giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return null;
    }
}

using System.Net;
using System.Text;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Watch;

/// <summary>Follows a key without a broker: asks the writer for its facts behind the last one seen, at a steady pace. So every
/// change is shown, in order, whatever happens between two questions; a writer that is away is asked again.</summary>
internal static class FactPoll
{
    private const int FactsOfPage = 100;
    private const string Status = "Ok";
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    public static async Task FollowAsync(
        WriterApi writer, SyncedKey key, SemaphoreSlim asking, ChangePrinter printer, long? until, CancellationToken stop)
    {
        var seen = await AskAsync(asking, () => ShowNowAsync(writer, key, printer, stop), stop);
        using var tick = new PeriodicTimer(Every);
        while (until is null || seen < until)
        {
            await tick.WaitForNextTickAsync(stop);
            try
            {
                foreach (var fact in await AskAsync(asking, () => FactsAsync(writer, key, seen, stop), stop))
                {
                    seen = fact.GetProperty("sequence").GetInt64();
                    printer.Show(key, seen, fact.GetProperty("schema_version").GetString(), Status, ValueOf(fact));
                    if (seen >= until) break;
                }
            }
            catch (SyncException error) when (error.IsTransient)
            {
                // It is said once, when the first question fails; a writer that restarts goes on where we are.
            }
        }
    }

    // The value now; of a key without one the last sequence that it had.
    private static async Task<long> ShowNowAsync(WriterApi writer, SyncedKey key, ChangePrinter printer, CancellationToken stop)
    {
        var (status, body) = await writer.GetJsonAsync(WriterApi.RecordPath("vaults", key), stop);
        if (status == HttpStatusCode.OK)
        {
            using var envelope = JsonDocument.Parse(body);
            var sequence = envelope.RootElement.GetProperty("sequence").GetInt64();
            printer.Show(key, sequence, envelope.RootElement.GetProperty("schema_version").GetString(), Status, ValueOf(envelope.RootElement));
            return sequence;
        }
        var last = 0L;
        while (await FactsAsync(writer, key, last, stop) is [.., var newest]) last = newest.GetProperty("sequence").GetInt64();
        printer.Show(key, last, null, Status, null);
        return last;
    }

    private static async Task<List<JsonElement>> FactsAsync(WriterApi writer, SyncedKey key, long after, CancellationToken stop)
    {
        var (status, body) = await writer.GetJsonAsync($"{WriterApi.RecordPath("history", key)}?after={after}&limit={FactsOfPage}", stop);
        if (status == HttpStatusCode.NotFound) return [];
        if (status != HttpStatusCode.OK)
            throw new SyncException(SyncErrorCode.Refused, $"the writer answers {(int)status}: {Encoding.UTF8.GetString(body)}", (int)status >= 500);
        using var page = JsonDocument.Parse(body);
        return [.. page.RootElement.GetProperty("items").EnumerateArray().Select(fact => fact.Clone())];
    }

    private static byte[]? ValueOf(JsonElement fact) =>
        fact.TryGetProperty("op", out var op) && op.GetString() == "delete" ? null : Encoding.UTF8.GetBytes(fact.GetProperty("value").GetRawText());

    private static async Task<T> AskAsync<T>(SemaphoreSlim asking, Func<Task<T>> ask, CancellationToken stop)
    {
        await asking.WaitAsync(stop);
        try { return await ask(); }
        finally { asking.Release(); }
    }
}

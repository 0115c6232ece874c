using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Sync.Client;
using Sync.Contracts;

namespace Sync.Cli.Verify;

/// <summary>A record as a holder of it tells: enough to compare.</summary>
internal readonly record struct HeldRecord(string Key, long Sequence, string Hash);

/// <summary>The digest of a collection as a holder tells it.</summary>
internal readonly record struct HeldDigest(long Count, long Position, string Digest);

/// <summary>Reads collections from a writer or a replica host: both answer the same routes. Pages and answers are bounded.</summary>
internal sealed class Holder(HttpClient http, string name, string url)
{
    private const int AnswerBytesMax = 64 << 20;
    private const int PageRecords = 1000;
    private static readonly TimeSpan AskMax = TimeSpan.FromSeconds(60);
    private readonly Uri _root = new(url);

    public string Url => url;

    /// <summary>Null while the holder has not loaded the collection; an empty one when it has none.</summary>
    /// <exception cref="SyncException">No answer, or a refusal.</exception>
    public async Task<HeldDigest?> DigestAsync(string vault, string collection, CancellationToken stop)
    {
        var (status, body) = await AskAsync($"/v1/digests/{Part(vault)}/{Part(collection)}", stop);
        if (status == HttpStatusCode.ServiceUnavailable) return null;
        var answer = Ensure(status, body);
        return new HeldDigest(
            answer.GetProperty("count").GetInt64(), answer.GetProperty("position").GetInt64(), answer.GetProperty("digest").GetString()!);
    }

    /// <summary>All live records in the order of their keys' bytes, page by page.</summary>
    /// <exception cref="SyncException">No answer, or a refusal.</exception>
    public async IAsyncEnumerable<HeldRecord> ListAsync(string vault, string collection, [EnumeratorCancellation] CancellationToken stop)
    {
        string? next = null;
        do
        {
            var after = next is null ? "" : "&after=" + Part(next);
            var (status, body) = await AskAsync($"/v1/vaults/{Part(vault)}/{Part(collection)}?limit={PageRecords}{after}", stop);
            var page = Ensure(status, body);
            foreach (var item in page.GetProperty("items").EnumerateArray()) yield return RecordOf(item);
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
    }

    /// <summary>One record; null when there is no live one.</summary>
    /// <exception cref="SyncException">No answer, or a refusal.</exception>
    public async Task<HeldRecord?> GetAsync(SyncedKey key, CancellationToken stop)
    {
        var (status, body) = await AskAsync(WriterApi.RecordPath("vaults", key), stop);
        return status == HttpStatusCode.NotFound ? null : RecordOf(Ensure(status, body));
    }

    private static HeldRecord RecordOf(JsonElement item) => new(
        item.GetProperty("key").GetString()!, item.GetProperty("sequence").GetInt64(), item.GetProperty("hash").GetString()!);

    private static string Part(string text) => Uri.EscapeDataString(text);

    private async Task<(HttpStatusCode Status, byte[] Body)> AskAsync(string path, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(AskMax);
        try
        {
            // A key may be '..': the path must go out as it is.
            var address = new Uri(_root.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            using var answer = await http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            await answer.Content.LoadIntoBufferAsync(AnswerBytesMax, limit.Token);
            return (answer.StatusCode, await answer.Content.ReadAsByteArrayAsync(limit.Token));
        }
        catch (Exception error) when (error is HttpRequestException or IOException or SocketException || (error is OperationCanceledException && !stop.IsCancellationRequested))
        {
            var reason = error is OperationCanceledException ? $"no answer within {AskMax.TotalSeconds:0} s" : error.Message;
            throw new SyncException(SyncErrorCode.NoAnswer, $"{name} {url} does not answer: {reason}; is it running?", true, error);
        }
    }

    private JsonElement Ensure(HttpStatusCode status, byte[] body)
    {
        try
        {
            using var read = JsonDocument.Parse(body);
            if (status == HttpStatusCode.OK) return read.RootElement.Clone();
            throw new SyncException(SyncErrorCode.Refused, $"{name} {url} answers {(int)status}: {read.RootElement.GetProperty("detail").GetString()}");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new SyncException(SyncErrorCode.Corrupt, $"what answers at {url} is no {name}; is the address right?", false, error);
        }
    }
}

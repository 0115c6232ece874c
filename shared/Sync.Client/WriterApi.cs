using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Sync.Client.Internal;
using Sync.Client.Writes;
using Sync.Contracts;
using Sync.MessagePack;

namespace Sync.Client;

/// <summary>Reads over HTTP from the first writer that answers. Safe from any thread; every answer is bounded.</summary>
public sealed class WriterApi
{
    private const int AnswerBytesMax = 64 << 20;
    private const int FactsOfPage = 1000;
    private static readonly MediaTypeWithQualityHeaderValue MessagePackType = new("application/msgpack");
    private static readonly MediaTypeWithQualityHeaderValue JsonType = new("application/json");
    private static readonly EnvelopeCodec Codec = new();
    private readonly HttpClient _http;
    private readonly SyncClientOptions _options;

    internal WriterApi(HttpClient http, SyncClientOptions options) => (_http, _options) = (http, options);

    /// <summary>The current envelope of a key, tombstones included.</summary>
    /// <returns>Null when there is no live record; the answer does not tell a tombstone from an absent key.</returns>
    /// <exception cref="SyncException">No writer answers, or it refuses.</exception>
    public async Task<Envelope?> GetAsync(SyncedKey key, CancellationToken cancellation = default)
    {
        var (status, body) = await AskAsync(RecordPath("vaults", key), MessagePackType, cancellation).ConfigureAwait(false);
        if (status == HttpStatusCode.NotFound) return null;
        Ensure(status, body);
        var decoded = Codec.Decode(body);
        return decoded.IsOk ? decoded.Value : throw new SyncException(SyncErrorCode.Corrupt, "the writer's answer: " + decoded.Error);
    }

    /// <summary>The JSON of a route as the writer gave it, with its status: for tools that show it.</summary>
    /// <param name="path">Path and query, e.g. <c>/v1/status</c>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">No writer answers.</exception>
    public Task<(HttpStatusCode Status, byte[] Body)> GetJsonAsync(string path, CancellationToken cancellation = default) =>
        AskAsync(path, JsonType, cancellation);

    /// <summary>What a writer tells of the ledger and its feeds.</summary>
    /// <exception cref="SyncException">No writer answers, or it refuses.</exception>
    public async Task<WriterStatus> StatusAsync(CancellationToken cancellation = default)
    {
        var read = await ReadJsonAsync("/v1/status", ClientJson.Default.WriterStatus, cancellation).ConfigureAwait(false);
        return read is { Feeds: not null, Bus: not null } ? read : throw NotAWriter();
    }

    /// <summary>Count, last change and digest of a collection's live records. Digests compare only at equal positions.</summary>
    /// <returns>Of an unknown collection: count 0, position 0.</returns>
    /// <exception cref="SyncException">No writer answers, or it refuses.</exception>
    public async Task<CollectionDigest> DigestAsync(string vault, string collection, CancellationToken cancellation = default)
    {
        var path = $"/v1/digests/{Uri.EscapeDataString(vault)}/{Uri.EscapeDataString(collection)}";
        var read = await ReadJsonAsync(path, ClientJson.Default.DigestBody, cancellation).ConfigureAwait(false);
        if (read.Digest?.Length != Hash256.Size * 2) throw NotAWriter();
        try
        {
            return new CollectionDigest(read.Count, new(read.Position), new Hash256(Convert.FromHexString(read.Digest)));
        }
        catch (FormatException)
        {
            throw NotAWriter();
        }
    }

    /// <summary>The shard vaults of a group, in the order of their names, page by page.</summary>
    /// <param name="group">The group.</param>
    /// <param name="collection">Only vaults that have this collection, with its last position; null = all, with the vault's.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">No writer answers, or it refuses.</exception>
    public async IAsyncEnumerable<VaultEntry> VaultsAsync(
        string group, string? collection = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        string? after = null;
        do
        {
            var path = $"/v1/vaults?group={Uri.EscapeDataString(group)}&limit={VaultsRequest.LimitMax}"
                + (collection is null ? "" : "&collection=" + Uri.EscapeDataString(collection))
                + (after is null ? "" : "&after=" + Uri.EscapeDataString(after));
            var page = await ReadJsonAsync(path, ClientJson.Default.VaultsBody, cancellation).ConfigureAwait(false);
            if (page.Items is null || (page.Next is not null && string.CompareOrdinal(page.Next, after) <= 0)) throw NotAWriter();
            foreach (var item in page.Items) yield return new VaultEntry(item.Vault, new(item.Feed), new(item.LastPosition));
            after = page.Next;
        }
        while (after is not null);
    }

    /// <summary>Every fact of a feed from a position up to the head of that moment, in order, page by page.</summary>
    /// <exception cref="SyncException">No writer answers, or an answer cannot be read.</exception>
    public async IAsyncEnumerable<Fact> FactsAsync(
        FeedId feed, Position from, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        long? next = Math.Max(1, from.Value);
        while (next is { } start)
        {
            var path = $"/v1/facts?feed={feed}&from={start}&limit={FactsOfPage}";
            var (status, body) = await AskAsync(path, MessagePackType, cancellation).ConfigureAwait(false);
            Ensure(status, body);
            var page = FactPageReader.Read(body);
            foreach (var fact in page.Facts) yield return fact;
            if (page.Next <= start) throw new SyncException(SyncErrorCode.Corrupt, $"the writer's page of facts from {start} does not go on");
            next = page.Next;
        }
    }

    /// <summary>The path of a key under a route, with every part percent-encoded.</summary>
    /// <param name="route"><c>vaults</c> or <c>history</c>.</param>
    /// <param name="key">The key.</param>
    public static string RecordPath(string route, SyncedKey key) =>
        $"/v1/{route}/{Uri.EscapeDataString(key.Vault)}/{Uri.EscapeDataString(key.Collection)}/{Uri.EscapeDataString(key.Key)}";

    private async Task<(HttpStatusCode Status, byte[] Body)> AskAsync(
        string path, MediaTypeWithQualityHeaderValue accept, CancellationToken cancellation)
    {
        SyncException? failure = null;
        foreach (var writer in _options.WriterAddresses)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            timeout.CancelAfter(_options.RequestTimeout);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, PlainPath.On(writer, path));
                request.Headers.Accept.Add(accept);
                using var response = await _http
                    .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
                await response.Content.LoadIntoBufferAsync(AnswerBytesMax, timeout.Token).ConfigureAwait(false);
                return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(timeout.Token).ConfigureAwait(false));
            }
            catch (Exception error) when (LostConnection.Is(error)
                || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                var reason = error is OperationCanceledException ? $"no answer within {_options.RequestTimeout}" : error.Message;
                failure = new SyncException(
                    SyncErrorCode.NoAnswer, $"writer {writer} does not answer: {reason}; is it running, and is the address right?", true, error);
            }
        }
        throw failure!;
    }

    private async Task<T> ReadJsonAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        var (status, body) = await AskAsync(path, JsonType, cancellation).ConfigureAwait(false);
        Ensure(status, body);
        try
        {
            if (JsonSerializer.Deserialize(body, type) is { } read) return read;
        }
        catch (JsonException)
        {
            // Said below.
        }
        throw NotAWriter();
    }

    private SyncException NotAWriter() => new(
        SyncErrorCode.Corrupt, $"what answers at {_options.WriterAddresses[0]} is not a Sync writer; is the address right?");

    private static void Ensure(HttpStatusCode status, byte[] body)
    {
        if (status == HttpStatusCode.OK) return;
        var detail = BatchAnswer.ReadProblemDetail(body) ?? $"status {(int)status}";
        throw new SyncException(SyncErrorCode.Refused, "the writer refuses: " + detail, (int)status >= 500);
    }
}

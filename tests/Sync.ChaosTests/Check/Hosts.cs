using System.Globalization;
using System.Net;
using System.Text.Json;
using Sync.ChaosTests.Clients;
using Sync.Contracts;

namespace Sync.ChaosTests.Check;

/// <summary>Asks replica hosts what they hold.</summary>
internal sealed class Hosts(IReadOnlyList<Uri> addresses) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    { Timeout = TimeSpan.FromSeconds(2) };

    public IReadOnlyList<Uri> Addresses => addresses;

    /// <summary>The records of a host, by key: sequence and the start of the hash; null = it does not answer for all of
    /// them now.</summary>
    public async Task<Dictionary<SyncedKey,
        (long Sequence, ulong Hash, long History)>?> HeldAsync(Uri host, CancellationToken cancellation)
    {
        var held = new Dictionary<SyncedKey, (long, ulong, long)>();
        foreach (var vault in Load.Vaults)
        {
            foreach (var collection in new[] { Load.Collection, LoadPlan.Chains })
            {
                using var page = await AskAsync(new Uri(host, $"/v1/vaults/{vault}/{collection}?limit=1000"), cancellation);
                if (page is null) return null;
                foreach (var item in page.RootElement.GetProperty("items"u8).EnumerateArray())
                    held[new SyncedKey(vault, collection, item.GetProperty("key"u8).GetString()!)] = (
                        item.GetProperty("sequence"u8).GetInt64(), First8(item.GetProperty("hash"u8).GetString()!),
                        item.GetProperty("history"u8).GetInt64());
            }
        }
        return held;
    }

    /// <summary>What a host says that a collection's digest is; null = it does not answer.</summary>
    public async Task<(long Count, string Digest)?> DigestAsync(
        Uri host, string vault, string collection, CancellationToken cancellation)
    {
        using var body = await AskAsync(new Uri(host, $"/v1/digests/{vault}/{collection}"), cancellation);
        return body is null ? null
            : (body.RootElement.GetProperty("count"u8).GetInt64(), body.RootElement.GetProperty("digest"u8).GetString()!);
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonDocument?> AskAsync(Uri address, CancellationToken cancellation)
    {
        try
        {
            using var answer = await _http.GetAsync(address, cancellation);
            return answer.StatusCode == HttpStatusCode.OK
                ? JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(cancellation)) : null;
        }
        catch (Exception error) when (error is HttpRequestException or IOException or JsonException
            || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static ulong First8(string hash) =>
        ulong.Parse(hash.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}

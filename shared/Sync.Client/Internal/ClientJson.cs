using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sync.Client.Internal;

/// <summary>Metadata of what is read as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WriterStatus))]
[JsonSerializable(typeof(DigestBody))]
[JsonSerializable(typeof(VaultsBody))]
internal sealed partial class ClientJson : JsonSerializerContext;

/// <summary>The body of <c>GET /v1/digests</c>.</summary>
internal sealed record DigestBody(long Count, long Position, string Digest);

/// <summary>The body of <c>GET /v1/vaults</c>.</summary>
internal sealed record VaultsBody(long History, string? Next, IReadOnlyList<VaultBody> Items);

/// <summary>An item of it.</summary>
internal sealed record VaultBody(string Vault, int Feed, long LastPosition);

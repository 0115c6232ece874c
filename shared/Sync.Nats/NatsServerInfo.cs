using System.Text.Json;

namespace Sync.Nats;

/// <summary>What the server said about itself.</summary>
public sealed record NatsServerInfo
{
    /// <summary>Unique id of the server process.</summary>
    public string Id { get; init; } = "";

    /// <summary>Name of the server.</summary>
    public string Name { get; init; } = "";

    /// <summary>Version of the server.</summary>
    public string Version { get; init; } = "";

    /// <summary>Number of this client at the server.</summary>
    public ulong ClientId { get; init; }

    /// <summary>Largest headers and payload together, in bytes.</summary>
    public int MaxPayload { get; init; } = 1024 * 1024;

    /// <summary>The server understands headers.</summary>
    public bool HeadersSupported { get; init; }

    /// <summary>The server talks TLS only.</summary>
    public bool TlsRequired { get; init; }

    /// <summary>The server talks TLS to who wants it.</summary>
    public bool TlsAvailable { get; init; }

    /// <summary>The server wants credentials.</summary>
    public bool AuthRequired { get; init; }

    /// <summary>The server is about to stop.</summary>
    public bool LameDuckMode { get; init; }

    /// <summary>Other servers of the cluster, host:port.</summary>
    public IReadOnlyList<string> ConnectUrls { get; init; } = [];

    internal static NatsServerInfo Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            return new NatsServerInfo
            {
                Id = Text(root, "server_id"),
                Name = Text(root, "server_name"),
                Version = Text(root, "version"),
                ClientId = root.TryGetProperty("client_id", out var id) && id.TryGetUInt64(out var number) ? number : 0,
                MaxPayload = root.TryGetProperty("max_payload", out var max) && max.TryGetInt32(out var bytes)
                    && bytes > 0
                    ? bytes : 1024 * 1024,
                HeadersSupported = Flag(root, "headers"),
                TlsRequired = Flag(root, "tls_required"),
                TlsAvailable = Flag(root, "tls_available"),
                AuthRequired = Flag(root, "auth_required"),
                LameDuckMode = Flag(root, "ldm"),
                ConnectUrls = root.TryGetProperty("connect_urls", out var urls) && urls.ValueKind == JsonValueKind.Array
                    ? urls.EnumerateArray().Take(1000).Where(u => u.ValueKind == JsonValueKind.String)
                        .Select(u => u.GetString()!).ToArray()
                    : [],
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new NatsException(NatsError.Protocol, "The server's INFO is not the JSON object it should be", e);
        }
    }

    private static string Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static bool Flag(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}

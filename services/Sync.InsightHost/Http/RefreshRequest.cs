using System.Text.Json;
using Sync.Contracts;
using Sync.Lobby.Insights;

namespace Sync.InsightHost.Http;

/// <summary>The body of a refresh: an object; an unknown or repeated member is refused, since a misspelt <c>only</c>
/// would derive all.</summary>
internal sealed record RefreshRequest
{
    public const int BodyBytesMax = 1 << 20;

    private const int OnlyMax = 10_000;

    /// <summary>Partition keys; null = all.</summary>
    public IReadOnlyCollection<string>? Only { get; private set; }

    /// <summary>Null = all.</summary>
    public string? Derivation { get; private set; }

    /// <summary>Null = any.</summary>
    public SchemaVersion? MinVersion { get; private set; }

    public int Concurrency { get; private set; } = 1;

    public bool FailFast { get; private set; }

    /// <summary>Reads a body; an empty one is an empty object.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>: what is wrong.</exception>
    public static RefreshRequest Read(ReadOnlyMemory<byte> body)
    {
        var request = new RefreshRequest();
        if (body.IsEmpty) return request;
        try
        {
            using var json = JsonDocument.Parse(body, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 4 });
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw Wrong("the body is no object");
            foreach (var member in json.RootElement.EnumerateObject())
                if (member.Value.ValueKind != JsonValueKind.Null) request.Take(member.Name, member.Value);
            return request;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Wrong("the body cannot be read as JSON of the right types: " + error.Message);
        }
    }

    private void Take(string name, JsonElement value)
    {
        switch (name)
        {
            case "only":
                if (value.GetArrayLength() > OnlyMax) throw Wrong($"only has {value.GetArrayLength()} partition keys; at most {OnlyMax}");
                Only = [.. value.EnumerateArray().Select(key => key.GetString() ?? throw Wrong("only has a null"))];
                break;
            case "derivation": Derivation = value.GetString(); break;
            case "minVersion": MinVersion = new SchemaVersion(value.GetString()); break;
            case "concurrency":
                Concurrency = value.GetInt32();
                if (Concurrency is < 1 or > InsightGroup.ConcurrencyMax) throw Wrong($"concurrency is {Concurrency}; must be 1..{InsightGroup.ConcurrencyMax}");
                break;
            case "failFast": FailFast = value.GetBoolean(); break;
            default:
                throw Wrong("the body has an unknown member; known are only, derivation, minVersion, concurrency, failFast");
        }
    }

    private static SyncException Wrong(string detail) => new(SyncErrorCode.Invalid, detail);
}

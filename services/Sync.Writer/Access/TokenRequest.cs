using System.Buffers;
using System.Text.Json;
using Sync.Access;
using Sync.Hosting;

namespace Sync.Writer.Access;

/// <summary>What is asked for when a token is made: <c>{label, scopes, expires_in, purpose}</c>.</summary>
internal sealed record TokenRequest(string Label, IReadOnlyList<AccessScope> Scopes, TimeSpan Life, string? Purpose)
{
    /// <summary>Most bytes of the body: 64 scopes, as long as scopes can be.</summary>
    public const int BodyBytesMax = 64 << 10;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 3, AllowDuplicateProperties = false };

    /// <summary>Reads a body; strict.</summary>
    /// <returns>Null when it is fine.</returns>
    public static Problem? TryRead(ReadOnlySequence<byte> body, out TokenRequest? request)
    {
        request = null;
        try
        {
            using var json = JsonDocument.Parse(body, Strict);
            return TryRead(json.RootElement, out request);
        }
        catch (JsonException error)
        {
            return CommonProblems.Malformed($"The body is not JSON: {error.Message}");
        }
    }

    private static Problem? TryRead(JsonElement body, out TokenRequest? request)
    {
        request = null;
        if (body.ValueKind != JsonValueKind.Object) return CommonProblems.Malformed("The body must be one JSON object.");
        string? label = null, purpose = null;
        var life = TokenRecord.LifeDefault;
        List<AccessScope>? scopes = null;
        foreach (var field in body.EnumerateObject())
        {
            var wrong = field.Name switch
            {
                "label" => TryText(field, out label),
                "purpose" => field.Value.ValueKind == JsonValueKind.Null ? null : TryText(field, out purpose),
                "expires_in" => TryLife(field.Value, ref life),
                "scopes" => TryScopes(field.Value, out scopes),
                _ => $"'{field.Name}' is not a field here; fields are label, scopes, expires_in, purpose",
            };
            if (wrong is not null) return CommonProblems.Malformed(wrong + ".");
        }
        var missing = TokenRecord.CheckLabel(label) ?? TokenRecord.CheckScopes(scopes) ?? TokenRecord.CheckPurpose(purpose);
        if (missing is not null) return CommonProblems.Malformed(missing + ".");
        request = new TokenRequest(label!, scopes!, life, purpose);
        return null;
    }

    private static string? TryText(JsonProperty field, out string? text)
    {
        text = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString() : null;
        return text is null ? $"'{field.Name}' must be a string" : null;
    }

    private static string? TryLife(JsonElement value, ref TimeSpan life)
    {
        var (min, max) = ((long)TokenRecord.LifeMin.TotalSeconds, (long)TokenRecord.LifeMax.TotalSeconds);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var seconds) || seconds < min || seconds > max)
            return $"'expires_in' must be a whole number of seconds from {min} to {max} (a minute to a year)";
        life = TimeSpan.FromSeconds(seconds);
        return null;
    }

    private static string? TryScopes(JsonElement value, out List<AccessScope>? scopes)
    {
        scopes = null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > TokenRecord.ScopesMax)
            return $"'scopes' must be a list of 1 to {TokenRecord.ScopesMax} texts";
        var read = new List<AccessScope>();
        foreach (var one in value.EnumerateArray())
        {
            var scope = AccessScope.Parse(one.ValueKind == JsonValueKind.String ? one.GetString() : null);
            if (!scope.IsOk) return scope.Error;
            read.Add(scope.Value);
        }
        scopes = read;
        return null;
    }
}

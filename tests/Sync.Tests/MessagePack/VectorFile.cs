using System.Text;
using System.Text.Json;
using Sync.Testing;

namespace Sync.Tests.MessagePack;

/// <summary>The frozen vectors of <c>tests/vectors</c>, and the notations in them.</summary>
internal static class VectorFile
{
    public static JsonElement Load(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(RepoRoot.Combine($"tests/vectors/{name}")));
        return document.RootElement.Clone();
    }

    public static IReadOnlyList<JsonElement> Vectors(string name, string list = "vectors") =>
        [.. Load(name).GetProperty(list).EnumerateArray()];

    /// <summary>Bytes of a vector: <c>hex</c>, or <c>parts</c> of which some are repeated.</summary>
    public static byte[] Bytes(this JsonElement vector)
    {
        if (vector.TryGetProperty("hex", out var hex)) return Convert.FromHexString(hex.GetString()!);
        var all = new StringBuilder();
        foreach (var part in vector.GetProperty("parts").EnumerateArray())
            for (var times = part.TryGetProperty("times", out var given) ? given.GetInt32() : 1; times > 0; times--)
                all.Append(part.Text("hex"));
        return Convert.FromHexString(all.ToString());
    }

    public static string Name(this JsonElement vector) => vector.Text("name")!;

    public static string? Text(this JsonElement vector, string name) =>
        vector.TryGetProperty(name, out var value) ? value.GetString() : null;

    public static bool Has(this JsonElement vector, string name) => vector.TryGetProperty(name, out _);

    /// <summary>A 64-bit number, which is text so that every reader of JSON keeps it exact.</summary>
    public static long? Number(this JsonElement vector, string name) => !vector.TryGetProperty(name, out var value) ? null
        : value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => long.Parse(value.GetString()!, System.Globalization.CultureInfo.InvariantCulture),
            _ => value.GetInt64(),
        };
}

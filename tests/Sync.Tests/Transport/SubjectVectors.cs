using System.Text.Json;
using Sync.Testing;

namespace Sync.Tests.Transport;

/// <summary><c>tests/vectors/subjects.json</c>: what clients in other languages are held to as well.</summary>
internal sealed record SubjectVectors(IReadOnlyList<SubjectVectors.OfKey> Keys, IReadOnlyList<SubjectVectors.OfRefusal> Refused)
{
    private static readonly JsonSerializerOptions Camel = new(JsonSerializerDefaults.Web);

    public static SubjectVectors Read() =>
        JsonSerializer.Deserialize<SubjectVectors>(
            File.ReadAllText(RepoRoot.Combine("tests/vectors/subjects.json")), Camel)!;

    internal sealed record OfKey(string Vault, string Collection, string Key, string Subject);

    internal sealed record OfRefusal(string Subject, string Why);
}

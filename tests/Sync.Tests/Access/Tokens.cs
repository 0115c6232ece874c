using Sync.Access;
using Sync.Contracts;

namespace Sync.Tests.Access;

/// <summary>Records of tokens for tests.</summary>
internal static class Tokens
{
    public static readonly Timestamp Start = new(1_000_000_000);

    public static TokenRecord Record(string token, params string[] scopes) => new()
    {
        Id = AccessToken.IdOf(token).ToString(),
        Hash = AccessToken.HashOf(token),
        Label = "test",
        Scopes = [.. scopes.Select(scope => AccessScope.Parse(scope).Value)],
        Created = Start,
        Expires = After(TimeSpan.FromHours(1)),
    };

    public static Timestamp After(TimeSpan span) => new(Start.UnixMicroseconds + (span.Ticks / 10));
}

using Sync.Access;
using Sync.Contracts;
using Sync.HostileTests.Reference;
using Sync.HostileTests.Run;

namespace Sync.HostileTests.Targets;

/// <summary>Records of tokens: what is taken is written as it was read, and keeps its own rules.</summary>
internal sealed class TokenRecordTarget : Target
{
    public override string Name => "token-record";

    public override Flavor Flavor => Flavor.Packed;

    public override long AllocatedBase => 64 << 10;

    public override byte[][] Words { get; } =
        [.. new[] { "a6737461747573", "a561646d696e", "a8726561643a2a2f2a", "a5777269746500", "a76578706972657380", "a66c6162656cc0" }.Select(Convert.FromHexString)];

    public override IEnumerable<byte[]> Seeds()
    {
        foreach (var scopes in new[] { "status", "status read:acme/user", "write:pypi--*/advisory admin" })
            yield return TokenRecordCodec.Encode(new TokenRecord
            {
                Id = new string('a', AccessToken.IdLength),
                Hash = Hash256.Of("token"u8),
                Label = "billing",
                Scopes = [.. scopes.Split(' ').Select(AccessScope.Parse).Where(scope => scope.IsOk).Select(scope => scope.Value)],
                Purpose = scopes.Length > 6 ? "tests" : null,
                Created = new Timestamp(1_732_147_200_000_000),
                Expires = new Timestamp(1_732_147_201_000_000),
                Revoked = scopes.Length > 21 ? new Timestamp(1_732_147_200_500_000) : null,
            }).ToArray();
    }

    public override string? Read(ReadOnlySpan<byte> input) => TokenRecordCodec.Decode(input).Error;

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (error is not null) return;
        Hold(NaivePack.Read(input, checksText: false) is { Kind: Kind.Map }, "it took what is no map");
        var record = TokenRecordCodec.Decode(input).Value;
        Hold(record.Check() is null && AccessToken.IsId(record.Id), "it took what breaks the rules");
        var again = TokenRecordCodec.Decode(TokenRecordCodec.Encode(record).Span);
        Hold(again.IsOk && TokenRecordCodec.Encode(again.Value).Span.SequenceEqual(TokenRecordCodec.Encode(record).Span), "it does not come back");
    }
}

/// <summary>Scopes of tokens: each has one text, and never covers more than its names say.</summary>
internal sealed class AccessScopeTarget : Target
{
    private AccessScope? _scope;

    public override string Name => "access-scope";

    public override byte[][] Words { get; } =
        [.. new[] { "read:", "write:", "status", "admin", "*", "--*", "/", "acme", "_access", "token" }.Select(TextOf.Of)];

    public override IEnumerable<byte[]> Seeds() => new[]
    {
        "status", "admin", "read:acme/user", "write:acme/*", "read:*/*", "write:pypi--*/advisory", "read:*", "read:acme", "READ:acme/user", "read:a/b/c", "read: a/b", "read:*--*/x",
    }.Select(TextOf.Of);

    public override string? Read(ReadOnlySpan<byte> input)
    {
        var parsed = AccessScope.Parse(TextOf.Bytes(input));
        _scope = parsed.IsOk ? parsed.Value : null;
        AccessToken.IsWellFormed(TextOf.Bytes(input));
        return parsed.Error;
    }

    public override void Judge(ReadOnlySpan<byte> input, string? error)
    {
        if (_scope is not { } scope) return;
        Hold(scope.ToString() == TextOf.Bytes(input), "the scope has another text");
        Hold(scope.Vault is null || NaiveNames.IsVault(scope.Vault), "a vault that is none");
        Hold(scope.Group is null || NaiveNames.IsGroup(scope.Group), "a group that is none");
        Hold(scope.Collection is null || NaiveNames.IsName(scope.Collection), "a collection that is none");
    }
}

using System.Security.Cryptography;
using System.Text;
using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Hosting;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>The text of a token: one form, strict, and only its hash is kept.</summary>
public sealed class TokenFormTests
{
    private const string Zero = "sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    [Fact]
    public void Every_minted_token_is_well_formed_and_new()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var round = 0; round < 2000; round++)
        {
            var token = AccessToken.Mint();
            AccessToken.IsWellFormed(token).ShouldBeTrue(token);
            token.Length.ShouldBe(AccessToken.Length);
            seen.Add(token).ShouldBeTrue();
            seen.Add(AccessToken.IdOf(token).ToString()).ShouldBeTrue();
        }
    }

    [Fact]
    public void The_hash_is_SHA_256_of_the_whole_text()
    {
        AccessToken.HashOf(Zero).ToArray().ShouldBe(SHA256.HashData(Encoding.ASCII.GetBytes(Zero)));
        AccessToken.IsSame(AccessToken.HashOf(Zero), AccessToken.HashOf(Zero)).ShouldBeTrue();
        AccessToken.IsSame(AccessToken.HashOf(Zero), AccessToken.HashOf(Zero[..^1] + "E")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("sync_")]
    [InlineData("Sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync-abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_abcdefghijklmno1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_ABCDEFGHIJKLMNOP_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_abcdefghijklmnop-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAA=AAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sync_abcdefghijklmnop_AAAAAAAAAAAAAAAAAAAAAäAAAAAAAAAAAAAAAAAAAAA")]
    public void Another_form_is_refused(string text) => AccessToken.IsWellFormed(text).ShouldBeFalse();

    [Fact]
    public void One_character_more_less_or_other_is_another_token_or_none()
    {
        for (var at = 0; at < Zero.Length; at++)
        {
            AccessToken.IsWellFormed(Zero.Remove(at, 1)).ShouldBeFalse();
            AccessToken.IsWellFormed(Zero.Insert(at, "a")).ShouldBeFalse();
            var other = Zero.Remove(at, 1).Insert(at, Zero[at] == 'c' ? "d" : "c");
            if (AccessToken.IsWellFormed(other)) AccessToken.HashOf(other).ShouldNotBe(AccessToken.HashOf(Zero));
        }
    }

    [Fact]
    public void Masking_leaves_the_id_and_takes_every_secret_also_one_that_was_cut()
    {
        var token = AccessToken.Mint();
        var (id, secret) = (AccessToken.IdOf(token).ToString(), token[22..]);
        var text = $"GET /x?t={token}&u=sync_no {token[..40]} sync_ {token}";
        var masked = Secrets.Masked(text);
        masked.ShouldBe($"GET /x?t=sync_{id}_***&u=sync_no sync_{id}_*** sync_ sync_{id}_***");
        masked.ShouldNotContain(secret[..8]);
        Secrets.Masked("nothing here").ShouldBe("nothing here");
    }

    [Fact]
    public void A_record_is_read_back_as_it_was_written_and_holds_no_secret()
    {
        var token = AccessToken.Mint();
        foreach (var record in new[]
        {
            Tokens.Record(token, "read:pypi--*/advisory", "write:acme/*", "status", "admin"),
            Tokens.Record(token, "read:*/*") with { Purpose = "nightly audit", Revoked = new Timestamp(77) },
        })
        {
            var bytes = TokenRecordCodec.Encode(record);
            var read = TokenRecordCodec.Decode(bytes.Span).Value;
            (read with { Scopes = record.Scopes }).ShouldBe(record);
            read.Scopes.ShouldBe(record.Scopes);
            Encoding.Latin1.GetString(bytes.Span).ShouldNotContain(token[22..30]);
        }
    }

    [Fact]
    public void A_damaged_record_is_refused_and_never_throws()
    {
        var bytes = TokenRecordCodec.Encode(Tokens.Record(AccessToken.Mint(), "read:*/*", "status")).ToArray();
        for (var length = 0; length < bytes.Length; length++)
            TokenRecordCodec.Decode(bytes.AsSpan(0, length)).IsOk.ShouldBeFalse();
        var taken = 0;
        for (var bit = 0; bit < bytes.Length * 8; bit++)
        {
            var flipped = bytes.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            if (TokenRecordCodec.Decode(flipped) is { IsOk: true } read && read.Value.Check() is not null) taken++;
        }
        taken.ShouldBe(0);
    }

    [Fact]
    public void A_record_says_what_is_wrong_with_it()
    {
        var good = Tokens.Record(AccessToken.Mint(), "status");
        good.Check().ShouldBeNull();
        (good with { Id = "x" }).Check().ShouldNotBeNull().ShouldContain("id");
        (good with { Label = "" }).Check().ShouldNotBeNull().ShouldContain("label");
        (good with { Label = "a\nb" }).Check().ShouldNotBeNull().ShouldContain("label");
        (good with { Label = new string('x', 101) }).Check().ShouldNotBeNull().ShouldContain("label");
        (good with { Purpose = "" }).Check().ShouldNotBeNull().ShouldContain("purpose");
        (good with { Purpose = " x" }).Check().ShouldNotBeNull().ShouldContain("purpose");
        (good with { Purpose = "ü" }).Check().ShouldNotBeNull().ShouldContain("purpose");
        (good with { Scopes = [] }).Check().ShouldNotBeNull().ShouldContain("scopes");
        (good with { Scopes = [AccessScope.Status, AccessScope.Status] }).Check().ShouldNotBeNull().ShouldContain("twice");
        (good with { Expires = good.Created }).Check().ShouldNotBeNull().ShouldContain("expires");
    }
}

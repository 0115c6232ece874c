using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Sync.Contracts;

namespace Sync.Access;

/// <summary>The text of a token, <c>sync_&lt;id&gt;_&lt;secret&gt;</c>: the id is 16 characters of lower-case base32 (80 random
/// bits, not secret), the secret 43 characters of base64url (256 random bits). Only the SHA-256 of the whole text is kept
/// anywhere: with so many random bits a hash that is made slowly would add nothing.</summary>
public static class AccessToken
{
    /// <summary>Characters of every token.</summary>
    public const int Length = 65;

    /// <summary>Characters of an id.</summary>
    public const int IdLength = 16;

    private const string Prefix = "sync_";
    private const int SecretStart = 22;
    private const int SecretBytes = 32;

    private static readonly SearchValues<char> Base32 = SearchValues.Create("abcdefghijklmnopqrstuvwxyz234567");

    private static readonly SearchValues<char> Base64 =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    // 43 characters hold two bits more than 32 bytes: they are zero, so that a token has one text only.
    private static readonly SearchValues<char> Base64Last = SearchValues.Create("AEIMQUYcgkosw048");

    /// <summary>Makes a new token from the system's cryptographic random source.</summary>
    public static string Mint() =>
        Prefix + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", IdLength) + "_"
        + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>True when a text has the form of a token, to the letter. Says nothing of whether it is known.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text) =>
        text.Length == Length && text.StartsWith(Prefix) && text[SecretStart - 1] == '_' && IsId(IdOf(text))
        && !text[SecretStart..].ContainsAnyExcept(Base64) && Base64Last.Contains(text[^1]);

    /// <summary>True when a text has the form of an id.</summary>
    public static bool IsId(ReadOnlySpan<char> text) => text.Length == IdLength && !text.ContainsAnyExcept(Base32);

    /// <summary>The id in a well-formed token.</summary>
    public static ReadOnlySpan<char> IdOf(ReadOnlySpan<char> token) => token.Slice(Prefix.Length, IdLength);

    /// <summary>SHA-256 of a well-formed token's text.</summary>
    public static Hash256 HashOf(ReadOnlySpan<char> token)
    {
        Span<byte> bytes = stackalloc byte[Length];
        Span<byte> hash = stackalloc byte[Hash256.Size];
        SHA256.HashData(bytes[..Encoding.ASCII.GetBytes(token[..Length], bytes)], hash);
        bytes.Clear();
        return new Hash256(hash);
    }

    /// <summary>Compares in a time that does not depend on where hashes differ.</summary>
    public static bool IsSame(Hash256 left, Hash256 right)
    {
        Span<byte> a = stackalloc byte[Hash256.Size];
        Span<byte> b = stackalloc byte[Hash256.Size];
        left.CopyTo(a);
        right.CopyTo(b);
        return CryptographicOperations.FixedTimeEquals(a, b);
    }
}

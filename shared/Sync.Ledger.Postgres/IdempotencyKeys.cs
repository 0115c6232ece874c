using System.Security.Cryptography;
using System.Text;

namespace Sync.Ledger.Postgres;

/// <summary>An idempotency key as 16 bytes. A UUID in its usual text is itself, so that keys made in time order come
/// at the right end of the index; any other text is the start of its SHA-256, marked as a UUID of version 8. A UUID of
/// version 8 is hashed too, so that no client can name what another text hashes to.</summary>
internal static class IdempotencyKeys
{
    /// <summary>The short key, and the text when it cannot be made from that again.</summary>
    internal static (Guid Key, string? Text) FromText(string text)
    {
        if (Guid.TryParseExact(text, "D", out var uuid) && uuid.Version != 8 && uuid.ToString("D") == text) return (uuid, null);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return (new Guid(hash[..16], bigEndian: true), text);
    }

    /// <summary>The client's text again.</summary>
    internal static string? ToText(Guid? key, string? text) => text ?? key?.ToString("D");
}

namespace Sync.Contracts;

/// <summary>CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320): places vaults on feeds and names keys in beats.</summary>
public static class Crc32
{
    private static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of some bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The checksum of the raw UTF-8 of a text.</summary>
    public static uint Of(string text)
    {
        Span<byte> stack = stackalloc byte[1024];
        var count = System.Text.Encoding.UTF8.GetMaxByteCount(text.Length);
        var buffer = count <= stack.Length ? stack : new byte[count];
        return Append(0, buffer[..System.Text.Encoding.UTF8.GetBytes(text, buffer)]);
    }

    /// <summary>The checksum that a beat gives for a key: over <c>vault/collection/key</c> in UTF-8.</summary>
    public static uint Of(SyncedKey key)
    {
        Span<byte> buffer = stackalloc byte[1024];
        var crc = Append(0, key.Vault, buffer);
        crc = Append(crc, "/", buffer);
        crc = Append(crc, key.Collection, buffer);
        crc = Append(crc, "/", buffer);
        return Append(crc, key.Key, buffer);
    }

    /// <summary>Continues a checksum.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        foreach (var value in bytes) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint Append(uint crc, string text, Span<byte> buffer)
    {
        // 256 characters give at most 768 bytes; a surrogate pair is never cut in two.
        for (var rest = text.AsSpan(); rest.Length > 0;)
        {
            var take = Math.Min(256, rest.Length);
            if (take < rest.Length && char.IsHighSurrogate(rest[take - 1])) take--;
            crc = Append(crc, buffer[..System.Text.Encoding.UTF8.GetBytes(rest[..take], buffer)]);
            rest = rest[take..];
        }
        return crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint index = 0; index < 256; index++)
        {
            var value = index;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
            table[index] = value;
        }
        return table;
    }
}

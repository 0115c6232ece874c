using System.Text;

namespace Sync.Contracts;

/// <summary>The rules of names (docs/PROTOCOL.md, Names). Every check answers null or what is wrong and what is allowed.</summary>
public static class Names
{
    /// <summary>Longest vault or collection name, in characters.</summary>
    public const int NameLengthMax = 128;

    /// <summary>Longest key, in bytes of UTF-8.</summary>
    public const int KeyBytesMax = 512;

    /// <summary>Longest idempotency key, in bytes of UTF-8.</summary>
    public const int IdempotencyKeyBytesMax = 128;

    /// <summary>Between group and partition in the name of a shard vault.</summary>
    public const string ShardSeparator = "--";

    private static readonly UTF8Encoding Utf8 = new(false, true);

    private static readonly System.Buffers.SearchValues<char> NameCharacters =
        System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    /// <summary>Checks a vault name: letters, digits, <c>. _ -</c>, 1 to 128, not starting with a dot; a shard's
    /// partition is neither empty nor <c>_</c>, its group not empty and not ending in <c>-</c>.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckVault(string? vault)
    {
        if (CheckName(vault, "vault") is { } wrong) return wrong;
        var (group, partition) = Split(vault!);
        if (partition is null) return null;
        if (group.Length == 0 || group.EndsWith('-')) return $"vault '{vault}': the group before '--' must not be empty or end in '-'";
        return partition is "" or "_" ? $"vault '{vault}': the partition after '--' must not be empty or '_'" : null;
    }

    /// <summary>Checks the name of a group: a vault name without <c>--</c> that does not end in <c>-</c>.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckGroup(string? group)
    {
        if (CheckName(group, "group") is { } wrong) return wrong;
        return group!.Contains(ShardSeparator, StringComparison.Ordinal) || group.EndsWith('-')
            ? $"group '{group}' holds '--' or ends in '-'"
            : null;
    }

    /// <summary>Checks a collection name: letters, digits, <c>. _ -</c>, 1 to 128, not starting with a dot.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckCollection(string? collection) => CheckName(collection, "collection");

    /// <summary>Checks a key: 1 to 512 bytes of UTF-8, no control characters, no lone surrogates.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckKey(string? key) => CheckText(key, "key", KeyBytesMax);

    /// <summary>Checks an idempotency key: 1 to 128 bytes of UTF-8, no control characters, no lone surrogates.</summary>
    /// <returns>Null when fine.</returns>
    public static string? CheckIdempotencyKey(string? key) => CheckText(key, "idempotency key", IdempotencyKeyBytesMax);

    /// <summary>Checks all three names of a synced key.</summary>
    /// <returns>Null when fine.</returns>
    public static string? Check(SyncedKey key) =>
        CheckVault(key.Vault) ?? CheckCollection(key.Collection) ?? CheckKey(key.Key);

    /// <summary>True for names that start with <c>_</c>: the system's own.</summary>
    public static bool IsReserved(string name) => name.StartsWith('_');

    /// <summary>Splits a vault name at its first <c>--</c> into group and partition; partition is null outside a group.</summary>
    public static (string Group, string? Partition) Split(string vault)
    {
        var at = vault.IndexOf(ShardSeparator, StringComparison.Ordinal);
        return at < 0 ? (vault, null) : (vault[..at], vault[(at + ShardSeparator.Length)..]);
    }

    /// <summary>The group of a shard vault; null for a vault outside a group.</summary>
    public static string? GroupOf(string vault)
    {
        var (group, partition) = Split(vault);
        return partition is null ? null : group;
    }

    private static string? CheckName(string? name, string what)
    {
        if (string.IsNullOrEmpty(name)) return $"{what} is empty; give 1 to {NameLengthMax} of A-Z a-z 0-9 . _ -";
        if (name.Length > NameLengthMax) return $"{what} has {name.Length} characters; at most {NameLengthMax} are allowed";
        if (name[0] == '.') return $"{what} '{Printable(name)}' starts with a dot";
        return name.AsSpan().ContainsAnyExcept(NameCharacters)
            ? $"{what} '{Printable(name)}' has characters other than A-Z a-z 0-9 . _ -"
            : null;
    }

    private static string? CheckText(string? text, string what, int bytesMax)
    {
        if (string.IsNullOrEmpty(text)) return $"{what} is empty; give 1 to {bytesMax} bytes of UTF-8";
        foreach (var character in text)
            if (char.IsControl(character)) return $"{what} has a control character (U+{(int)character:X4})";
        int bytes;
        try { bytes = Utf8.GetByteCount(text); }
        catch (EncoderFallbackException) { return $"{what} is not valid Unicode (a lone surrogate)"; }
        return bytes > bytesMax ? $"{what} has {bytes} bytes of UTF-8; at most {bytesMax} are allowed" : null;
    }

    private static string Printable(string name)
    {
        var shown = new StringBuilder(name.Length);
        foreach (var character in name) shown.Append(char.IsControl(character) || char.IsSurrogate(character) ? '?' : character);
        return shown.ToString();
    }
}

using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Sync.Contracts;

namespace Sync.Http;

/// <summary>The names in a request's path, read from the raw target: the framework's decoded path keeps <c>%2F</c>
/// encoded but decodes <c>%25</c>, and removes dot segments, so two keys could become one there.</summary>
public sealed class RecordTarget
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>The vault.</summary>
    public required string Vault { get; init; }

    /// <summary>The collection.</summary>
    public required string Collection { get; init; }

    /// <summary>Null for a collection.</summary>
    public string? Key { get; init; }

    /// <summary>What is wrong with the names; null = nothing.</summary>
    public string? Wrong { get; init; }

    /// <summary>The names as a key; only of a route that has all three.</summary>
    public SyncedKey SyncedKey => new(Vault, Collection, Key!);

    /// <summary>The names of the request's path.</summary>
    public static RecordTarget Of(HttpContext context) =>
        context?.Features.Get<RecordTarget>()
            ?? throw new InvalidOperationException("The route has no names in its path.");

    /// <summary>Reads <c>prefix{vault}/{collection}[/{key}]</c>.</summary>
    /// <returns>False when the raw path does not have two or three parts behind the prefix.</returns>
    public static bool TryRead(ReadOnlySpan<char> rawPath, string prefix, out RecordTarget? target)
    {
        target = null;
        if (!rawPath.StartsWith(prefix, StringComparison.Ordinal)) return false;
        var rest = rawPath[prefix.Length..];
        Span<Range> parts = stackalloc Range[4];
        var count = rest.Split(parts, '/');
        if (count is < 2 or > 3) return false;
        string? wrong = null;
        var vault = Decode(rest[parts[0]], "vault", ref wrong);
        var collection = Decode(rest[parts[1]], "collection", ref wrong);
        var key = count == 3 ? Decode(rest[parts[2]], "key", ref wrong) : null;
        wrong ??= Names.CheckVault(vault) ?? Names.CheckCollection(collection)
            ?? (key is null ? null : Names.CheckKey(key));
        target = new RecordTarget { Vault = vault, Collection = collection, Key = key, Wrong = wrong };
        return true;
    }

    /// <summary>The path of a raw target: without the query, and without scheme and authority when it came in
    /// absolute form.</summary>
    public static ReadOnlySpan<char> PathOf(ReadOnlySpan<char> rawTarget)
    {
        var query = rawTarget.IndexOf('?');
        if (query >= 0) rawTarget = rawTarget[..query];
        if (rawTarget.StartsWith("/")) return rawTarget;
        var authority = rawTarget.IndexOf("://");
        if (authority < 0) return rawTarget;
        var slash = rawTarget[(authority + 3)..].IndexOf('/');
        return slash < 0 ? "/" : rawTarget[(authority + 3 + slash)..];
    }

    private static string Decode(ReadOnlySpan<char> raw, string what, ref string? wrong)
    {
        if (!raw.Contains('%')) return raw.ToString();
        var bytes = raw.Length <= 1024 ? stackalloc byte[raw.Length] : new byte[raw.Length];
        var length = 0;
        for (var index = 0; index < raw.Length; index++)
        {
            if (raw[index] != '%')
            {
                bytes[length++] = (byte)raw[index]; // the server takes only ASCII in a request line
                continue;
            }
            if (index + 2 >= raw.Length || !char.IsAsciiHexDigit(raw[index + 1])
                || !char.IsAsciiHexDigit(raw[index + 2]))
            {
                wrong ??= $"{what} has a '%' without two hexadecimal digits behind it; write '%25' for a '%'";
                return raw.ToString();
            }
            bytes[length++] = (byte)((HexValue(raw[index + 1]) << 4) | HexValue(raw[index + 2]));
            index += 2;
        }
        try
        {
            return StrictUtf8.GetString(bytes[..length]);
        }
        catch (DecoderFallbackException)
        {
            wrong ??= $"{what} is not UTF-8 behind its percent-encoding";
            return raw.ToString();
        }
    }

    private static int HexValue(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

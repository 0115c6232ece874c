using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Sync.Contracts;

namespace Sync.Http.Json;

/// <summary>Ids, hashes and times as JSON strings, without a string in between.</summary>
public static class Scalars
{
    /// <summary>How all answers are written.</summary>
    public static readonly JsonWriterOptions Options = new()
    {
        // Answers are application/json with nosniff, never part of a page: only what JSON itself demands is escaped.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>A fact id.</summary>
    public static void WriteId(Utf8JsonWriter json, ReadOnlySpan<byte> name, FactId id)
    {
        ArgumentNullException.ThrowIfNull(json);
        Span<byte> text = stackalloc byte[36];
        Utf8Formatter.TryFormat(id.Value, text, out var length);
        json.WriteString(name, text[..length]);
    }

    /// <summary>A fact id, or null.</summary>
    public static void WriteId(Utf8JsonWriter json, ReadOnlySpan<byte> name, FactId? id)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (id is { } known) WriteId(json, name, known);
        else json.WriteNull(name);
    }

    /// <summary>A hash in lower-case hexadecimal.</summary>
    public static void WriteHash(Utf8JsonWriter json, ReadOnlySpan<byte> name, Hash256 hash)
    {
        ArgumentNullException.ThrowIfNull(json);
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        Span<byte> text = stackalloc byte[Hash256.Size * 2];
        hash.CopyTo(bytes);
        Convert.TryToHexStringLower(bytes, text, out _);
        json.WriteString(name, text);
    }

    /// <summary>A time by RFC 3339, UTC, in microseconds.</summary>
    public static void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, Timestamp time)
    {
        ArgumentNullException.ThrowIfNull(json);
        Span<byte> text = stackalloc byte[32];
        time.ToDateTimeOffset().TryFormat(
            text, out var length, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        json.WriteString(name, text[..length]);
    }

    /// <summary>A time, or null.</summary>
    public static void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, Timestamp? time)
    {
        ArgumentNullException.ThrowIfNull(json);
        if (time is { } known) WriteTime(json, name, known);
        else json.WriteNull(name);
    }

    /// <summary>The member <c>op</c>.</summary>
    public static void WriteOp(Utf8JsonWriter json, ChangeOp op)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteString("op"u8, op switch
        {
            ChangeOp.Delete => "delete"u8,
            ChangeOp.Append => "append"u8,
            _ => "put"u8,
        });
    }

    /// <summary>The members <c>vault</c>, <c>collection</c>, <c>key</c>.</summary>
    public static void WriteKey(Utf8JsonWriter json, SyncedKey key)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteString("vault"u8, key.Vault);
        json.WriteString("collection"u8, key.Collection);
        json.WriteString("key"u8, key.Key);
    }
}

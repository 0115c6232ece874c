using System.Text.Json;
using Sync.Access;
using Sync.Contracts;
using Sync.Http.Json;

namespace Sync.Writer.Access;

/// <summary>A token as its managers see it: never the hash, and the text only where it was just made.</summary>
internal static class TokenJson
{
    public static void Write(Utf8JsonWriter json, TokenRecord record, Timestamp now, string? token = null)
    {
        json.WriteStartObject();
        if (token is not null) json.WriteString("token"u8, token);
        json.WriteString("id"u8, record.Id);
        json.WriteString("label"u8, record.Label);
        json.WriteStartArray("scopes"u8);
        foreach (var scope in record.Scopes) json.WriteStringValue(scope.ToString());
        json.WriteEndArray();
        json.WriteString("purpose"u8, record.Purpose);
        json.WriteString("state"u8, record.Revoked is not null ? "revoked" : now >= record.Expires ? "expired" : "good");
        Scalars.WriteTime(json, "created"u8, record.Created);
        Scalars.WriteTime(json, "expires"u8, record.Expires);
        if (record.Revoked is { } revoked) Scalars.WriteTime(json, "revoked"u8, revoked);
        else json.WriteNull("revoked"u8);
        json.WriteEndObject();
    }
}

using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sync.Contracts;
using Sync.Http.Json;
using Sync.MessagePack;

namespace Sync.Http;

/// <summary>The answer of <c>/v1/digests</c>: <c>{count, position, digest}</c>, the same at the writer and at a replica
/// host.</summary>
public static class DigestAnswer
{
    /// <summary>Answers with a digest: lower-case hexadecimal in JSON, 32 bytes in MessagePack.</summary>
    public static Task WriteAsync(HttpContext context, BodyForm form, CollectionDigest digest) =>
        Answers.WriteAsync(context, form, digest, TryWrite, Write);

    private static bool TryWrite(Utf8JsonWriter json, CollectionDigest digest)
    {
        json.WriteStartObject();
        json.WriteNumber("count"u8, digest.Count);
        json.WriteNumber("position"u8, digest.Position.Value);
        Scalars.WriteHash(json, "digest"u8, digest.Digest);
        json.WriteEndObject();
        return true;
    }

    private static void Write(IBufferWriter<byte> output, CollectionDigest digest)
    {
        var writer = new MsgPackWriter(output);
        writer.WriteMapHeader(3);
        writer.WriteString("count"u8);
        writer.WriteInteger(digest.Count);
        writer.WriteString("position"u8);
        writer.WriteInteger(digest.Position.Value);
        writer.WriteString("digest"u8);
        writer.WriteHash(digest.Digest);
        writer.Flush();
    }
}

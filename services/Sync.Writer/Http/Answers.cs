using System.Buffers;
using System.Text.Json;
using Sync.Writer.Json;

namespace Sync.Writer.Http;

/// <summary>Writes answers that hold values: made whole before the first byte is sent, since a value that cannot be
/// JSON turns the answer into 406. Pages are bounded in bytes, so the buffer is.</summary>
internal static class Answers
{
    public static async Task WriteAsync<T>(
        HttpContext context, BodyForm form, T content, Func<Utf8JsonWriter, T, bool> toJson,
            Action<IBufferWriter<byte>, T> toBytes)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        if (form == BodyForm.MessagePack)
        {
            toBytes(buffer, content);
        }
        else
        {
            await using var json = new Utf8JsonWriter(buffer, Scalars.Options);
            if (!toJson(json, content))
            {
                json.Reset();
                context.Response.Headers.Remove("ETag");
                await Problems.NotAcceptable(
                    "A value holds what JSON cannot (binary, ext, NaN, map keys that are no strings). "
                    + $"Ask with Accept: {MediaTypes.MessagePack}.").AnswerAsync(context);
                return;
            }
        }
        context.Response.ContentType = MediaTypes.NameOf(form);
        context.Response.ContentLength = buffer.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted);
    }
}

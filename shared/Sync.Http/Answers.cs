using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Sync.Hosting;
using Sync.Http.Json;

namespace Sync.Http;

/// <summary>Writes answers that hold values: made whole before the first byte is sent, since a value that cannot be
/// JSON turns the answer into 406. Pages are bounded in bytes, so the buffer is.</summary>
public static class Answers
{
    /// <summary>Answers 200, or 406 when a value cannot have the form that is asked for.</summary>
    /// <param name="context">The request.</param>
    /// <param name="form">The form to answer in.</param>
    /// <param name="content">What to write.</param>
    /// <param name="toJson">Writes it as JSON; false when a value cannot be JSON.</param>
    /// <param name="toBytes">Writes it as MessagePack.</param>
    public static async Task WriteAsync<T>(
        HttpContext context, BodyForm form, T content, Func<Utf8JsonWriter, T, bool> toJson,
            Action<IBufferWriter<byte>, T> toBytes)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(toJson);
        ArgumentNullException.ThrowIfNull(toBytes);
        var buffer = new ArrayBufferWriter<byte>(1024);
        if (form == BodyForm.MessagePack)
        {
            toBytes(buffer, content);
        }
        else
        {
            var json = new Utf8JsonWriter(buffer, Scalars.Options);
            await using var _ = json.ConfigureAwait(false);
            if (!toJson(json, content))
            {
                json.Reset();
                context.Response.Headers.Remove("ETag");
                await NotJson.AnswerAsync(context).ConfigureAwait(false);
                return;
            }
            await json.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
        context.Response.ContentType = MediaTypes.NameOf(form);
        context.Response.ContentLength = buffer.WrittenCount;
        await context.Response.BodyWriter.WriteAsync(buffer.WrittenMemory, context.RequestAborted)
            .ConfigureAwait(false);
    }

    private static Problem NotJson { get; } = RecordProblems.NotAcceptable(
        "A value holds what JSON cannot (binary, ext, NaN, map keys that are no strings). "
        + $"Ask with Accept: {MediaTypes.MessagePack}.");
}
